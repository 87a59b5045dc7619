using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>Identifies the bytes of one snapshot file, on whichever member the file is.</summary>
/// <param name="Last">The last entry whose effect is in the snapshot.</param>
/// <param name="Nonce">The nonce of the file: two snapshots of the same entry that two members wrote are different files.</param>
/// <param name="FileBytes">The length of the file, bytes.</param>
internal readonly record struct SnapshotId(EntryId Last, ulong Nonce, long FileBytes);

/// <summary>What the header, the configuration section and the trailer of a snapshot file state.</summary>
/// <param name="Id">Identifies the file.</param>
/// <param name="ContentBytes">The length of what the state machine wrote, bytes.</param>
/// <param name="Configuration">The configuration as of the last entry.</param>
/// <param name="ClusterVersion">The version of the cluster as of the last entry.</param>
/// <param name="ConfigurationIndex">The entry that holds the configuration; 0: the cluster was created with it.</param>
internal sealed record SnapshotInfo(
    SnapshotId Id, long ContentBytes, Configuration Configuration, VersionAt ClusterVersion, LogIndex ConfigurationIndex = default)
{
    /// <summary>The last entry whose effect is in the snapshot.</summary>
    public EntryId Last => Id.Last;

    /// <summary>The name of the file.</summary>
    public string Name => SnapshotName.Of(Id.Last.Index, Id.Nonce);
}
