using Quorate.Raft;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Exploration;

/// <summary>
/// Model configuration: members, budget of each action, and which state-space reductions are in use.
/// </summary>
internal sealed record ModelConfig(string Name)
{
    /// <summary>The members, numbered from 1 without gaps, and which of them vote.</summary>
    public Configuration Membership { get; init; } = Voters(3);

    /// <summary>Starts with an elected leader that every member knows; the actions of that election are not counted.</summary>
    public bool StartsWithLeader { get; init; }

    /// <summary>
    /// Starts in the term of member 2, which has committed its no-op with member 3, taken a snapshot and dropped its log. Member 1 led the
    /// term before and has two commands, the first in place of the no-op; nothing that was sent to it since has arrived.
    /// </summary>
    public bool StartsDiverged { get; init; }

    /// <summary>How often each action may happen, summed over all members.</summary>
    public ActionBudget Budget { get; init; }

    /// <summary>
    /// A step's append is durable only after a separate FlushCompletes action, and may be lost until then. Otherwise it is durable at once.
    /// </summary>
    public bool AsyncFlush { get; init; }

    /// <summary>Entries are applied in a separate Apply action. Otherwise they are applied at once.</summary>
    public bool AsyncApply { get; init; }

    /// <summary>
    /// A message displaces the message of its kind that is in flight on the same link, and that one is lost. Otherwise any number is in
    /// flight.
    /// </summary>
    public bool OneInFlightPerLinkAndKind { get; init; }

    /// <summary>
    /// Single messages are lost by Drop actions. Without them a message may also be lost, by never arriving; Drop keeps the network small
    /// on a long walk.
    /// </summary>
    public bool Drops { get; init; }

    /// <summary>States that differ only by a permutation of the members count as one. Only if all members are equal voters.</summary>
    public bool Symmetric { get; init; } = true;

    /// <summary>Removes messages that their receiver would ignore now and at any later time.</summary>
    public bool PrunesIgnoredMessages { get; init; } = true;

    /// <summary>Payload bytes of a command.</summary>
    public int CommandBytes { get; init; }

    /// <summary>A configuration in which members 1 to <paramref name="count"/> vote.</summary>
    public static Configuration Voters(int count) => MembershipOf(Enumerable.Range(1, count));

    /// <summary>A configuration of members given by their numbers.</summary>
    public static Configuration MembershipOf(IEnumerable<int> voters, IEnumerable<int>? outgoing = null, IEnumerable<int>? learners = null)
    {
        static IEnumerable<NodeId> Ids(IEnumerable<int> members) => members.Select(static member => new NodeId((ulong)member));
        return new Configuration(Ids(voters), Ids(outgoing ?? []), Ids(learners ?? []));
    }

    /// <summary>The core options of a member.</summary>
    public static RaftOptions OptionsOf(NodeId self, int startNumber) => new()
    {
        Self = self,
        Seed = (ulong)startNumber,
        ElectionTicks = 5,
        HeartbeatTicks = 1,
        MaxMessageBytes = 1024,
    };
}

/// <summary>How often each limited action may happen, or has happened.</summary>
internal readonly record struct ActionBudget
{
    public byte Timeouts { get; init; }

    public byte Heartbeats { get; init; }

    public byte Crashes { get; init; }

    public byte Proposals { get; init; }

    public byte Reads { get; init; }

    public byte Duplicates { get; init; }

    /// <summary>Isolations of a member.</summary>
    public byte Isolations { get; init; }

    /// <summary>Closed connections.</summary>
    public byte LostPeers { get; init; }

    /// <summary>Leaders that step down because they receive replies from no quorum.</summary>
    public byte QuorumTimeouts { get; init; }

    /// <summary>Snapshots that members take.</summary>
    public byte Snapshots { get; init; }

    /// <summary>Logs that are lost to corruption.</summary>
    public byte LostLogs { get; init; }

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
        state.Write(Snapshots);
        state.Write(LostLogs);
    }
}
