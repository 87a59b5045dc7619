using Quorate.Raft;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Exploration;

/// <summary>How large a world is explored: who is in it, how often each misfortune strikes, and what is left out because it makes no difference.</summary>
internal sealed record ModelConfig(string Name)
{
    /// <summary>How many members there are.</summary>
    public int Members { get; init; } = 3;

    /// <summary>A leader has been elected, and everybody knows, before anything counts.</summary>
    public bool StartsWithLeader { get; init; }

    /// <summary>How often each thing may happen, all members together.</summary>
    public Budget Budget { get; init; }

    /// <summary>The disk takes its time: what a step wrote is durable only when the disk says so, and may be lost until then. Else it is durable at once.</summary>
    public bool AsyncFlush { get; init; }

    /// <summary>The state machine takes its time. Else it applies at once what it is handed.</summary>
    public bool AsyncApply { get; init; }

    /// <summary>A message displaces the one of its kind that is on its way on the same link: that one is lost. Else any number is on the way.</summary>
    public bool OneInFlightPerLinkAndKind { get; init; }

    /// <summary>Messages are lost one by one. Without it they are lost too, by never arriving; it makes room on a long walk.</summary>
    public bool Drops { get; init; }

    /// <summary>One of several states that differ only in who is called what is enough.</summary>
    public bool Symmetric { get; init; } = true;

    /// <summary>A message that its receiver would ignore now and for ever is as good as lost.</summary>
    public bool PrunesIgnoredMessages { get; init; } = true;

    /// <summary>Bytes of a command.</summary>
    public int CommandBytes { get; init; }

    /// <summary>What the cores are told.</summary>
    public static RaftOptions OptionsOf(NodeId self, int startNumber) => new()
    {
        Self = self,
        Seed = (ulong)startNumber,
        ElectionTicks = 5,
        HeartbeatTicks = 1,
        MaxMessageBytes = 1024,
    };
}

/// <summary>How often each thing may happen, or has happened.</summary>
internal readonly record struct Budget
{
    public byte Timeouts { get; init; }

    public byte Heartbeats { get; init; }

    public byte Crashes { get; init; }

    public byte Proposals { get; init; }

    public byte Reads { get; init; }

    public byte Duplicates { get; init; }

    /// <summary>Members cut off.</summary>
    public byte Isolations { get; init; }

    /// <summary>Connections closed.</summary>
    public byte LostPeers { get; init; }

    /// <summary>Leaders that hear nobody and give up.</summary>
    public byte QuorumTimeouts { get; init; }

    public void Write(StateEncoder state)
    {
        state.Write(Timeouts);
        state.Write(Heartbeats);
        state.Write(Crashes);
        state.Write(Proposals);
        state.Write(Reads);
        state.Write(Duplicates);
        state.Write(Isolations);
        state.Write(LostPeers);
        state.Write(QuorumTimeouts);
    }
}
