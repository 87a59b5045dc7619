using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>One member: its core, the contents of its disk, and its pending appends.</summary>
internal sealed class MemberState(SymmetryPermutation[] permutations, RaftCore core, DiskImage disk, UnflushedAppend[] pending, int starts)
    : HashedStateComponent(permutations)
{
    public NodeId Id => Core.Self;

    /// <summary>The core. It is never stepped: a step works on a clone.</summary>
    public RaftCore Core { get; } = core;

    public DiskImage Disk { get; } = disk;

    public UnflushedAppend[] Pending { get; } = pending;

    /// <summary>How often the member has started.</summary>
    public int Starts { get; } = starts;

    public override string ToString()
    {
        var log = string.Join(' ', Enumerable.Range(1, (int)Core.LastIndex.Value).Select(i => $"{Core.TermAt(new LogIndex((ulong)i))}"));
        return $"{Id}: {Core.Role} term {Core.Term} vote {Core.VotedFor} leader {Core.Leader} log [{log}] "
            + $"commit {Core.CommitIndex} durable {Core.DurableIndex}, "
            + $"disk term {Disk.HardState.Term} to {Disk.LastIndex}{(Pending.Length > 0 ? $" and {Pending.Length} pending appends" : "")}";
    }

    protected override void Write(in SymmetryPermutation state)
    {
        Core.WriteState(state);
        Disk.Write(state);
        state.Number((ulong)Pending.Length);
        foreach (var append in Pending)
            append.Write(state);
        state.Number((ulong)Starts);
    }
}
