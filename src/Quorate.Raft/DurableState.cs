namespace Quorate.Raft;

/// <summary>The state that a node restores from its disk when it starts.</summary>
public sealed record DurableState
{
    /// <summary>The term and vote; zero on an empty disk.</summary>
    public HardState HardState { get; init; }

    /// <summary>
    /// The configuration as of the snapshot; without a snapshot, that with which the node was created, or
    /// <see cref="Quorate.Raft.Configuration.None"/> on a node that is to join a cluster.
    /// </summary>
    public required Configuration Configuration { get; init; }

    /// <summary>The index of the entry that holds <see cref="Configuration"/>; 0: the node was created with it.</summary>
    public LogIndex ConfigurationIndex { get; init; }

    /// <summary>The configurations of the entries of the log after <see cref="Snapshot"/>, in order.</summary>
    public IReadOnlyList<ConfigurationAt> Configurations { get; init; } = [];

    /// <summary>The last entry that the newest snapshot covers; zero when there is no snapshot.</summary>
    public EntryId Snapshot { get; init; }

    /// <summary>
    /// The last entry that is no longer in the log, at or before <see cref="Snapshot"/>; null when the log begins after the snapshot.
    /// </summary>
    public EntryId? Compacted { get; init; }

    /// <summary>The first entry of every term between the start of the log and <see cref="Tail"/>, in order.</summary>
    public IReadOnlyList<EntryId> TermStarts { get; init; } = [];

    /// <summary>A commit index that is known to have been reached. The driver has already applied everything up to it.</summary>
    public LogIndex Commit { get; init; }

    /// <summary>All entries after <see cref="Commit"/>, and as many before it as the driver chooses.</summary>
    public IReadOnlyList<LogEntry> Tail { get; init; } = [];

    /// <summary>The last entry on disk; zero when there is none.</summary>
    public EntryId Last { get; init; }
}
