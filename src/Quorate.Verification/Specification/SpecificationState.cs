using System.Collections.Immutable;
using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>The VARIABLES of spec/QuorateRaft.tla.</summary>
internal sealed record SpecificationState(
    ImmutableArray<SpecServer> Servers,
    ImmutableArray<SpecMessage> Messages,
    ImmutableArray<SpecTermLog> TermLogs,
    ImmutableArray<SpecSnapshot> Snapshots,
    ImmutableArray<SpecGrantedRead> Granted,
    SpecBudget Spent)
{
    /// <summary>What the leader of a term has written in it.</summary>
    public SpecTermLog TermLogOf(int term) => term < TermLogs.Length ? TermLogs[term] : TermLogs[0];

    /// <summary>Returns the state with server <paramref name="i"/> replaced.</summary>
    public SpecificationState With(int i, SpecServer server) => this with { Servers = Servers.SetItem(i, server) };

    public SpecificationState With(int term, SpecTermLog termLog)
    {
        var termLogs = TermLogs;
        while (termLogs.Length <= term)
            termLogs = termLogs.Add(termLogs[0]);
        return this with { TermLogs = termLogs.SetItem(term, termLog) };
    }

    public override string ToString() => string.Join('\n', Servers.Select(static (s, i) => $"{i + 1}: {s}")
        .Concat(TermLogs.Select(static (r, t) => $"term {t}: {r}").Where((_, t) => !TermLogs[t].Leaders.IsEmpty))
        .Append($"messages: {string.Join(", ", Messages)}")
        .Append($"snapshots: {string.Join(", ", Snapshots.Select(static s => $"{s.Term}/{s.Index}"))}"));
}

/// <summary>One server: its memory, the contents of its disk, its pending writes, and the last index of its newest snapshot.</summary>
internal sealed record SpecServer(
    Role Role,
    int Term,
    int Vote,
    SpecLog Log,
    int Commit,
    int Round,
    ImmutableArray<SpecPendingRead> Reads,
    SpecDiskImage Disk,
    ImmutableArray<SpecPendingWrite> Writes,
    int Snapshot)
{
    public const int None = -1;

    /// <summary>The contents of the disk after the first <paramref name="writes"/> writes.</summary>
    public SpecDiskImage ImageAfter(int writes) => writes == 0 ? Disk : Writes[writes - 1].Image;

    /// <summary>What a restart makes of a log on the disk: the log, or the snapshot if the log lacks its last entry.</summary>
    public SpecLog WithSnapshot(SpecLog log) => log.TermAt(Snapshot) == Log.TermAt(Snapshot) ? log : Log.Prefix(Snapshot);

    /// <summary>The number of entries that are on the disk, in the log or the snapshot, and that no pending write removes.</summary>
    public int Durable
    {
        get
        {
            var durable = Log.Agreement(WithSnapshot(Disk.Log));
            foreach (var write in Writes)
                durable = Math.Min(durable, Log.Agreement(WithSnapshot(write.Image.Log)));
            return durable;
        }
    }

    public bool HardStateIsDurable
    {
        get
        {
            var durable = Disk.Term == Term && Disk.Vote == Vote;
            foreach (var write in Writes)
                durable &= write.Image.Term == Term && write.Image.Vote == Vote;
            return durable;
        }
    }

    public override string ToString() =>
        $"{Role} term {Term} vote {Vote + 1} log [{Log}] snapshot {Snapshot} commit {Commit} round {Round} reads {Reads.Length} "
        + $"disk {Disk} writes {string.Join(", ", Writes.Select(static w => w.Image))}";
}

/// <summary>The contents of a disk, except for the snapshot, which is a file of its own.</summary>
internal sealed record SpecDiskImage(int Term, int Vote, SpecLog Log)
{
    public override string ToString() => $"{Term}/{Vote + 1} [{Log}]";
}

/// <summary>A write that is not durable yet, and the messages that are sent when it is.</summary>
/// <remarks>In refinement, the token is that of the real core's append that contains the write; otherwise 0.</remarks>
internal sealed record SpecPendingWrite(SpecDiskImage Image, ImmutableArray<SpecMessage> Messages, ulong Token = 0);

/// <summary>A read that waits for a round to be confirmed; round 0: for a round to start.</summary>
internal readonly record struct SpecPendingRead(int Round, int Index, int Needed);

/// <summary>A read that was granted at an index, and the least index that it must have.</summary>
internal readonly record struct SpecGrantedRead(int Index, int Needed);

/// <summary>A snapshot that was durable on some disk: the term and the index of its last entry.</summary>
internal readonly record struct SpecSnapshot(int Term, int Index);

/// <summary>What the leader of a term has written in it: every AppendEntries of the term is a piece of it.</summary>
internal sealed record SpecTermLog(ServerSet Leaders, SpecLog Log, int Commit, int Round)
{
    public override string ToString() => $"leader {Leaders} log [{Log}] commit {Commit} round {Round}";
}

/// <summary>How much of each bound is used up.</summary>
internal readonly record struct SpecBudget(int Commands, int Restarts, int Changes, int Snapshots, int Reads, int Transfers);
