using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>One member: its core, what is on its disk, and what is on the way there.</summary>
internal sealed class Member(SymmetryPermutation[] permutations, RaftCore core, DiskImage disk, PendingAppend[] pending, int starts) : HashedComponent(permutations)
{
    public NodeId Id => Core.Self;

    /// <summary>Never stepped: a step takes a copy.</summary>
    public RaftCore Core { get; } = core;

    public DiskImage Disk { get; } = disk;

    public PendingAppend[] Pending { get; } = pending;

    /// <summary>How often it has started.</summary>
    public int Starts { get; } = starts;

    public override string ToString()
    {
        var log = string.Join(' ', Enumerable.Range(1, (int)Core.LastIndex.Value).Select(i => $"{Core.TermAt(new LogIndex((ulong)i))}"));
        return $"{Id}: {Core.Role} term {Core.Term} vote {Core.VotedFor} leader {Core.Leader} log [{log}] commit {Core.CommitIndex} durable {Core.DurableIndex}, "
            + $"disk term {Disk.HardState.Term} to {Disk.LastIndex}{(Pending.Length > 0 ? $" and {Pending.Length} on the way" : "")}";
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
