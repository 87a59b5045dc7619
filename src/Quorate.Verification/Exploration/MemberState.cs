using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>One member: its core, the contents of its disk, its pending appends, and the snapshots that it needs or has.</summary>
internal sealed class MemberState(
    SymmetryPermutation[] permutations, RaftCore core, DiskImage disk, UnflushedAppend[] pending, int starts, SnapshotProgress snapshots)
    : HashedStateComponent(permutations)
{
    public NodeId Id => Core.Self;

    /// <summary>The core. It is never stepped: a step works on a clone.</summary>
    public RaftCore Core { get; } = core;

    public DiskImage Disk { get; } = disk;

    public UnflushedAppend[] Pending { get; } = pending;

    /// <summary>How often the member has started.</summary>
    public int Starts { get; } = starts;

    public SnapshotProgress Snapshots { get; } = snapshots;

    public override string ToString()
    {
        var log = string.Join(' ', Enumerable.Range(1, (int)Core.LastIndex.Value).Select(i => $"{Core.TermAt(new LogIndex((ulong)i))}"));
        return $"{Id}: {Core.Role} term {Core.Term} vote {Core.VotedFor} leader {Core.Leader} log [{log}] "
            + $"commit {Core.CommitIndex} durable {Core.DurableIndex}, "
            + $"disk term {Disk.HardState.Term} to {Disk.LastIndex} snapshot {Disk.Snapshot}"
            + $"{(Pending.Length > 0 ? $" and {Pending.Length} pending appends" : "")}";
    }

    protected override void Write(in SymmetryPermutation state)
    {
        Core.WriteState(state);
        Disk.Write(state);
        state.Number((ulong)Pending.Length);
        foreach (var append in Pending)
            append.Write(state);
        state.Number((ulong)Starts);
        state.Number(Snapshots.Needed.Value);
        state.Number((ulong)Snapshots.Unnoticed);
    }
}

/// <summary>What the process of a member knows about snapshots, beside its core.</summary>
/// <param name="Needed">The core needs a snapshot that covers this index; 0: none.</param>
/// <param name="Unnoticed">The newest snapshot is durable, and the core is to be notified of it.</param>
internal readonly record struct SnapshotProgress(LogIndex Needed, UnnoticedSnapshot Unnoticed);

/// <summary>The snapshot of which a core is to be notified.</summary>
internal enum UnnoticedSnapshot : byte
{
    None = 0,
    Taken = 1,
    Received = 2,
}
