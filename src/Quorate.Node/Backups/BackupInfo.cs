using Quorate.Raft;

namespace Quorate.Node.Backups;

/// <summary>What a backup file states about itself. All of its checksums are verified.</summary>
public sealed class BackupInfo
{
    internal BackupInfo()
    {
    }

    /// <summary>Identifies the backup: drawn at random when the state was captured.</summary>
    public ulong Id { get; internal init; }

    /// <summary>The cluster that the backup was taken of.</summary>
    public ulong ClusterId { get; internal init; }

    /// <summary>The last entry whose effect is in the backup.</summary>
    public EntryId Last { get; internal init; }

    /// <summary>The members of the cluster as of that entry.</summary>
    public Configuration Configuration { get; internal init; } = null!;

    /// <summary>The length of what the state machine wrote, bytes.</summary>
    public long ContentBytes { get; internal init; }

    /// <summary>The length of the file, bytes.</summary>
    public long FileBytes { get; internal init; }
}
