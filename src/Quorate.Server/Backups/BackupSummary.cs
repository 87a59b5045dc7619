using Quorate.Kv;
using Quorate.Node.Backups;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Backups;

/// <summary>What a backup of a server contains. All of its checksums are verified.</summary>
/// <param name="Backup">What the file states about itself.</param>
/// <param name="Published">The names and client URLs of the members that had published them.</param>
/// <param name="Store">The content of the key-value store.</param>
internal sealed record BackupSummary(BackupInfo Backup, IReadOnlyList<Member> Published, KvSnapshotSummary Store)
{
    /// <summary>Verifies a backup and reads its summary. Memory: a few buffers, whatever the size of the backup.</summary>
    /// <exception cref="BackupCorruptionException">The file is not as it was written.</exception>
    /// <exception cref="IOException">The file cannot be read, is no backup of a server, or another version wrote it.</exception>
    public static BackupSummary Read(string path, CancellationToken cancellation)
    {
        try
        {
            return BackupFile.ReadContent(
                path,
                static (info, content) =>
                    new BackupSummary(info, EtcdSnapshot.ReadMembers(content), KvSnapshotContent.ReadSummary(content)),
                cancellation);
        }
        catch (KvSnapshotFormatException e)
        {
            throw new IOException(
                $"{path} is not a backup of a server that this build can read: {e.Message}. "
                + "Use the version that saved it, or a newer one.", e);
        }
    }
}
