namespace Quorate.Raft;

/// <summary>The state that a node restores from its disk when it starts.</summary>
public sealed record DurableState
{
    /// <summary>The term and vote; zero on an empty disk.</summary>
    public HardState HardState { get; init; }

    /// <summary>The configuration in force at the end of the log.</summary>
    public required Configuration Configuration { get; init; }

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
