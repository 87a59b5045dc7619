using Quorate.Node.Divergence;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Repair;

/// <summary>
/// Makes a data directory usable again whose log or snapshot is corrupt: the member forgets the entries of its log, and receives them from
/// the others.
/// </summary>
/// <remarks>
/// <code>
///   1  the snapshot whose content is corrupt is renamed, so that it is not used
///   2  term and vote state that entries were lost, in a term in which none was acknowledged      (RaftCore.IsRepairing follows from it)
///   3  the segments of the log, newest first, and the other corrupt snapshots are renamed
///   4  an empty log is created, behind the newest snapshot that is left
/// </code>
/// Each step is on the disk before the next. A crash after step 1 leaves a log that no snapshot begins, or an older snapshot and a log that
/// was intact; after step 3, a log whose newest segment is missing, or holds no frame. Where the disk is still corrupt, the next start
/// repairs it again.
/// The whole log is given up, not only what is corrupt. Entries before the corruption would save little: what follows the snapshot is
/// received within seconds. Nothing is deleted until the member holds everything again.
/// Only in a cluster of three members or more: the others must be able to elect a leader without this one.
/// Rules: RaftCore.Repair.cs; decision 0043.
/// </remarks>
internal static class DirectoryRepair
{
    /// <summary>The fewest voters with which the others are a majority without this member.</summary>
    public const int VotersMin = 3;

    /// <summary>Whether a repair can help against a fault of the start.</summary>
    /// <remarks>Not against the corruption of what identifies the directory, and of both copies of term and vote.</remarks>
    public static bool CanRepair(IOException fault, IdentityFile identity) =>
        CanRepair(identity) && fault is SnapshotCorruptionException or WalCorruptionException { IsInLog: true };

    /// <summary>
    /// Whether the other members of the cluster can elect a leader without this one, and no older build is started in the directory: it
    /// would not know the repair term, and vote.
    /// </summary>
    public static bool CanRepair(IdentityFile identity) =>
        identity.Identity.VoterCount >= VotersMin && FeatureTable.IsEnabled(Feature.Repair, identity.Identity.Version);

    /// <summary>Repairs the directory. Nothing may have its log open.</summary>
    /// <remarks>Durability: on disk when this returns.</remarks>
    /// <param name="storage">The data directory.</param>
    /// <param name="identity">Its identity.</param>
    /// <param name="wal">How the new log is written.</param>
    /// <param name="unused">The snapshots that must not be used, besides those that are corrupt.</param>
    /// <returns>The files that were set aside.</returns>
    /// <exception cref="WalCorruptionException">Both copies of term and vote are corrupt.</exception>
    /// <exception cref="IOException">No space is left, or the disk failed.</exception>
    public static IReadOnlyList<string> Run(
        IStorage storage, IdentityFile identity, WalOptions wal, IReadOnlyCollection<string> unused)
    {
        foreach (var name in unused)
            SetAsideFiles.Add(storage, name);
        storage.FlushDirectory();
        var snapshots = SnapshotStore.Open(storage, identity.Identity.ClusterId, GroupId.First, new SnapshotOptions());
        var kept = snapshots.Newest?.Last ?? EntryId.Zero;
        WriteAheadLog.RecordLoss(storage, identity, kept.Term);

        var segments = storage.List().Where(static name => Segment.TryParseName(name, out _)).OrderDescending(StringComparer.Ordinal);
        string[] setAside = [.. segments, .. snapshots.Corruptions.Select(static corruption => corruption.File)];
        foreach (var name in setAside)
        {
            SetAsideFiles.Add(storage, name);
            storage.FlushDirectory();
        }

        WriteAheadLog.CreateEmpty(storage, wal, identity, kept.Index + 1);
        return [.. unused, .. setAside];
    }

    /// <summary>
    /// Sets everything aside that the member has received, whether or not it is corrupt: its log and all snapshots. Ends its quarantine.
    /// </summary>
    /// <param name="directory">The data directory of a member that does not run.</param>
    /// <returns>The member, and the files that were set aside.</returns>
    /// <exception cref="IOException">
    /// The directory is in use, belongs to no member, or cannot be rebuilt; the message states what to do. Nothing was changed.
    /// </exception>
    public static (DataDirectoryIdentity Member, IReadOnlyList<string> SetAside) Rebuild(string directory)
    {
        if (DataDirectoryIdentity.Read(directory) is not { } found)
            throw new IOException($"{directory} is not the data directory of a member: it has no file \"{IdentityFile.Name}\".");
        using var storage = new FileStorage(directory);
        var identity = IdentityFile.Open(storage, found.ClusterId, found.MemberId, found.InitialConfiguration);
        if (!CanRepair(identity))
        {
            throw new IOException(
                $"The cluster of this member has {found.VoterCount} voters and version {found.Version}. A member receives its data " +
                $"again only in a cluster of at least {VotersMin} members, all of version {FeatureTable.IntroducedIn(Feature.Repair)} or " +
                "later: the others must be able to elect a leader without it. Nothing was changed. " +
                "With fewer members, restore a backup (quorate snapshot restore).");
        }

        string[] unused = [.. storage.List().Where(static name =>
            SnapshotName.TryParse(name, out _, out _) || name == SnapshotName.Receiving)];
        var setAside = Run(storage, identity, new WalOptions(), unused);

        // Last: after a crash before, the member is still quarantined.
        if (storage.List().Contains(QuarantineFile.Name, StringComparer.Ordinal))
        {
            storage.Delete(QuarantineFile.Name);
            storage.FlushDirectory();
        }

        return (found, setAside);
    }
}
