using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Backups;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Server.Replication;
using Quorate.Server.Settings;
using Quorate.Server.Storage;

namespace Quorate.Server.Backups;

/// <summary>Makes the data directory of one member of a new cluster from a backup.</summary>
/// <remarks>
/// Keys, revisions, history and leases are those of the backup; names and client URLs are not, because the members of the new cluster
/// publish their own. The id of the cluster is computed from the members, as that of every cluster, and from the id of the backup: so a
/// restored member connects neither to the cluster that the backup was taken of, nor to a member that was restored from another backup or
/// started empty, even with the same flags.
/// </remarks>
internal static class BackupRestoration
{
    /// <summary>Restores a member.</summary>
    /// <param name="path">The backup.</param>
    /// <param name="settings">The settings with which the member will be started.</param>
    /// <param name="revisionBump">How much to add to the newest revision, which is then the compact revision too; 0 for nothing.</param>
    /// <param name="cancellation">Ends the restoration.</param>
    /// <returns>The settings with the id of the new cluster, and what was restored.</returns>
    /// <remarks>The whole backup is verified before anything is written. Durability: the directory is on disk when this returns.</remarks>
    /// <exception cref="BackupCorruptionException">The backup is not as it was written; nothing was created.</exception>
    /// <exception cref="IOException">The backup cannot be read, or the data directory is not empty or cannot be written.</exception>
    public static (ServerSettings Settings, BackupSummary Restored) Restore(
        string path, ServerSettings settings, long revisionBump, CancellationToken cancellation)
    {
        var summary = BackupSummary.Read(path, cancellation);
        if (revisionBump > long.MaxValue - 1 - summary.Store.Revision)
            throw StartupException.Usage(
                $"--bump-revision is {revisionBump}.", $"the revision of the backup is {summary.Store.Revision}, and revisions are 64 bits",
                "choose a smaller number");
        settings = settings with { RestoredFrom = summary.Backup.Id };
        var options = new RaftNodeOptions
        {
            NodeId = settings.Self.Id,
            ClusterId = settings.ClusterId,
            ClusterVersionMax = settings.ClusterVersionMax,
            DataDirectory = settings.DataDirectory,
            DataDirectoryAttributes = DataDirectory.AttributesOf(settings),
            Members = settings.Members.ToDictionary(m => m.Id, m => new PeerAddress(m.PeerUrls[0].Host, m.PeerUrls[0].Port)),
        };
        BackupFile.Restore(path, options, content => new RestoredContent(content, revisionBump), cancellation);
        return (settings, summary);
    }

    /// <summary>The content of a backup, without what the members had published.</summary>
    private sealed class RestoredContent(Stream content, long revisionBump) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination)
        {
            EtcdSnapshot.ReadMembers(content);
            new EtcdSnapshot([], new RestoredStore(content, revisionBump)).WriteTo(destination);
        }

        public void Dispose()
        {
        }
    }

    private sealed class RestoredStore(Stream content, long revisionBump) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination)
        {
            if (revisionBump == 0)
                content.CopyTo(destination);
            else
                KvSnapshotContent.CopyWithBumpedRevision(content, destination, revisionBump);
        }

        public void Dispose()
        {
        }
    }
}
