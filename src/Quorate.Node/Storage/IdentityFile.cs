using System.Collections.Immutable;
using System.Security.Cryptography;
using Quorate.Node.Snapshots;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>
/// The identity file of an open data directory: the owner, the directory id, the directories of the known peers, and the newest segment of
/// the log. It is there twice, so that either file may be corrupt or missing.
/// </summary>
/// <remarks>
/// A member that starts with the data directory of another member has that member's votes instead of its own, and two leaders can be
/// elected in one term. The same would happen if a member began with other members than its peers; so it always begins with those it was
/// created with, and the log contains their changes.
/// Durability: the file is created before the log. A peer is recorded, and the file flushed, before the peer receives its acceptance;
/// otherwise two of its directories could be accepted, one before and one after a crash. A segment is recorded, and the file flushed, when
/// the segment is on disk and before it is used: so a segment that is recorded and absent was deleted, and one that is not recorded holds
/// nothing.
/// Threading: any thread; the methods that record may write to the disk. Format: docs/formats/identity.md.
/// </remarks>
internal sealed class IdentityFile
{
    public const string Name = "identity";
    public const string CopyName = "identity-copy";
    private const int BytesMax = 1 << 20;
    private static readonly string[] _unreleasedNames = ["owner", "incarnations"];
    private readonly Lock _gate = new();
    private readonly IStorage _storage;
    private DataDirectoryIdentity _identity;

    private IdentityFile(IStorage storage, DataDirectoryIdentity identity)
    {
        _storage = storage;
        _identity = identity;
    }

    /// <summary>The id of this data directory; never 0.</summary>
    public DirectoryId DirectoryId => Volatile.Read(ref _identity).DirectoryId;

    /// <summary>The newest segment that was recorded; 0 before the first.</summary>
    public ulong NewestSegment => Volatile.Read(ref _identity).NewestSegment;

    /// <summary>The current content of the file.</summary>
    public DataDirectoryIdentity Identity => Volatile.Read(ref _identity);

    /// <summary>What each file of the log states about this data directory.</summary>
    public DirectoryStamp Stamp => Volatile.Read(ref _identity).Stamp;

    /// <summary>Opens the identity file of a data directory and verifies its owner; creates the file in a new directory.</summary>
    /// <remarks>Durability: the content is on disk when this returns.</remarks>
    /// <param name="storage">The data directory.</param>
    /// <param name="clusterId">The cluster that the directory must belong to.</param>
    /// <param name="self">The member that the directory must belong to.</param>
    /// <param name="members">
    /// The members with which a new directory begins; <see cref="Configuration.None"/>: it joins an existing cluster. Those of an existing
    /// directory do not change.
    /// </param>
    /// <param name="attributes">The attributes of a new directory; those of an existing one do not change.</param>
    /// <param name="drawId">Draws the id of a new directory; null: a random number.</param>
    /// <param name="versionMax">
    /// The highest cluster version that this member supports, which is that of a new directory; null: that of this build.
    /// </param>
    /// <exception cref="StorageVersionException">The directory has a higher version. Nothing in it was changed.</exception>
    /// <exception cref="IOException">
    /// The directory belongs to another member, or an unreleased version wrote it; the message states what to do.
    /// </exception>
    /// <exception cref="WalCorruptionException">The file is not as it was written, or it is missing and the log is not.</exception>
    public static IdentityFile Open(
        IStorage storage, ulong clusterId, NodeId self, Configuration members,
        IReadOnlyDictionary<string, string>? attributes = null, Func<ulong>? drawId = null,
        ClusterVersion? versionMax = null)
    {
        RejectUnreleased(storage);
        var supported = versionMax ?? ClusterVersion.Current;
        if (!storage.List().Any(static name => name is Name or CopyName))
        {
            AtomicFile.RemoveUnfinished(storage, Name);
            RejectLogWithoutIdentity(storage);
            RejectSnapshotWithoutIdentity(storage);
            return Create(storage, clusterId, self, members, attributes, supported, drawId);
        }

        // Before anything is changed: a directory that is refused stays as a newer build has left it.
        var expected = new DataDirectoryIdentity { ClusterId = clusterId, MemberId = self, Members = members.Members };
        var found = Read(name => ReadFile(storage, name), expected)!;
        if (found.Version > supported)
            throw StorageVersionException.OfVersion(found.Version, supported);
        if (IdentityFormat.DescribeMember(found) != IdentityFormat.DescribeMember(expected))
        {
            throw new IOException(
                $"The data directory belongs to {IdentityFormat.DescribeMember(found)}; " +
                $"the options describe {IdentityFormat.DescribeMember(expected)}. " +
                "A member cannot use the log and votes of another: " +
                "start with the options the data directory was created with, or give a new member its own data directory.");
        }

        AtomicFile.RemoveUnfinished(storage, Name);
        AtomicFile.RemoveUnfinished(storage, CopyName);

        // The content is complete, but the previous process may have ended before the name of the file, or the deletion of an unfinished
        // one, was durable.
        storage.FlushDirectory();
        var opened = new IdentityFile(storage, found);
        if (!opened.IsInEachFile())
            opened.Write(found);
        return opened;
    }

    /// <summary>Creates the identity file of a new data directory.</summary>
    /// <remarks>Durability: the content is on disk when this returns.</remarks>
    public static IdentityFile Create(
        IStorage storage, ulong clusterId, NodeId self, Configuration members, IReadOnlyDictionary<string, string>? attributes,
        ClusterVersion version, Func<ulong>? drawId = null)
    {
        var created = new IdentityFile(storage, new DataDirectoryIdentity
        {
            ClusterId = clusterId,
            MemberId = self,
            Members = members.Members,
            Version = version,
            DirectoryId = new DirectoryId((drawId ?? DrawRandom)()),
            Attributes = attributes ?? ImmutableSortedDictionary<string, string>.Empty,
        });
        created.Write(created._identity);
        return created;
    }

    /// <summary>Records the data directory of a new peer; returns false if the peer is known with another directory.</summary>
    /// <param name="peer">The id that the peer sent.</param>
    /// <param name="directory">The peer's data directory. With 0, it sent none: a new peer is accepted and not recorded.</param>
    public bool TryRecordPeer(NodeId peer, DirectoryId directory)
    {
        // Without the lock, which a write holds: a known peer connects again while the disk hangs.
        if (Identity.Peers.TryGetValue(peer, out var recorded))
            return recorded == directory;
        lock (_gate)
        {
            if (_identity.Peers.TryGetValue(peer, out var known))
                return known == directory;
            if (directory == DirectoryId.None)
                return true;
            Write(_identity.With(peers: _identity.Peers.Add(peer, directory)));
            return true;
        }
    }

    /// <summary>Records that a segment is on disk, with its name, and may be used from now on.</summary>
    public void RecordNewestSegment(ulong sequence)
    {
        lock (_gate)
        {
            if (sequence > _identity.NewestSegment)
                Write(_identity.With(newestSegment: sequence));
        }
    }

    /// <summary>
    /// Records the version of the cluster that an entry of the log has set. Returns whether it was recorded: entries are applied again
    /// after a restart, and the version that a later one has set stays.
    /// </summary>
    /// <remarks>Durability: on disk when this returns, so that an older build refuses what the version permits to be written.</remarks>
    public bool TryRecordVersion(ClusterVersion version, LogIndex index)
    {
        lock (_gate)
        {
            if (index <= _identity.VersionIndex)
                return false;
            Write(_identity.With(version: (version, index)));
            return true;
        }
    }

    /// <summary>
    /// Records the members of a configuration that was applied, if they are others than before. Nothing depends on it but messages and the
    /// decision whether a corrupt log can be repaired: the configuration itself is in the log.
    /// </summary>
    /// <remarks>Durability: on disk when this returns.</remarks>
    public void RecordMembers(Configuration configuration)
    {
        lock (_gate)
        {
            if (!_identity.Voters.SequenceEqual(configuration.Voters) || !_identity.Learners.SequenceEqual(configuration.Learners))
                Write(_identity.With(configuration: configuration));
        }
    }

    private static void RejectUnreleased(IStorage storage)
    {
        if (storage.List().FirstOrDefault(static name => _unreleasedNames.Contains(name, StringComparer.Ordinal)) is { } name)
        {
            throw new IOException(
                $"The data directory was written by an unreleased version of Quorate: it contains the file {name}. " +
                FormatVersion.StartEmpty);
        }
    }

    // The file is created before any part of the log, and never deleted.
    private static void RejectLogWithoutIdentity(IStorage storage)
    {
        if (!storage.List().Any(static name => name is HardStateFile.Name or HardStateFile.CopyName || Segment.TryParseName(name, out _)))
            return;
        throw new WalCorruptionException(
            Name, 0, "the identity of this data directory", "the file is missing, and the directory holds a log",
            "It is created before the log. Without it, nothing states which member the log and the votes belong to.");
    }

    // A member creates the identity before everything else; only the restoration of a backup creates it last.
    private static void RejectSnapshotWithoutIdentity(IStorage storage)
    {
        if (!storage.List().Any(static name => SnapshotName.TryParse(name, out _, out _) || SnapshotName.IsUnfinished(name)))
            return;
        throw new IOException(
            $"The data directory holds a snapshot and no file \"{Name}\": the restoration of a backup was interrupted. " +
            "Delete the data directory, and restore the backup again.");
    }

    /// <summary>Reads the identity from whichever of its two files is usable, and of two usable ones from the newer.</summary>
    /// <param name="read">Reads a file; returns null if there is none.</param>
    /// <param name="owner">
    /// The expected owner: of two files with different owners, the one with this owner was not replaced by that of another member.
    /// </param>
    /// <returns>The identity; null if there is neither file.</returns>
    /// <exception cref="WalCorruptionException">Neither file is usable, and there is one.</exception>
    public static DataDirectoryIdentity? Read(Func<string, byte[]?> read, DataDirectoryIdentity? owner = null)
    {
        var first = TryRead(read, Name, out var fault);
        var second = TryRead(read, CopyName, out var secondFault);
        if (first is null && second is null)
            return (fault ?? secondFault) is { } corruption ? throw corruption : null;

        if (first is not null && second is not null && first.DirectoryId != second.DirectoryId)
        {
            var expected = owner is null ? "" : IdentityFormat.DescribeMember(owner);
            var (isFirst, isSecond) = (
                IdentityFormat.DescribeMember(first) == expected, IdentityFormat.DescribeMember(second) == expected);
            if (isFirst == isSecond)
                throw DifferentDirectories(first, second);
            return isFirst ? first : second;
        }

        // The second file is written after the first. It is the newer one only if the first was replaced by an old copy.
        return first is null || (second is not null && second.IsLaterThan(first)) ? second : first;
    }

    private static WalCorruptionException DifferentDirectories(DataDirectoryIdentity first, DataDirectoryIdentity second) => new(
        Name, 0, "the identity of this data directory",
        $"it belongs to {IdentityFormat.DescribeOwner(first)}, directory {first.DirectoryId}, and {CopyName} to " +
        $"{IdentityFormat.DescribeOwner(second)}, directory {second.DirectoryId}",
        "Both files have the same content unless one was copied here.", cause: null,
        "If one was copied here by mistake, delete it: it is created again from the other.");

    private static DataDirectoryIdentity? TryRead(Func<string, byte[]?> read, string name, out WalCorruptionException? fault)
    {
        fault = null;
        try
        {
            return read(name) is { } bytes ? IdentityFormat.Decode(bytes) : null;
        }
        catch (WalCorruptionException corruption)
        {
            fault = corruption;
            return null;
        }
    }

    private static byte[]? ReadFile(IStorage storage, string name)
    {
        if (!storage.List().Contains(name, StringComparer.Ordinal))
            return null;
        try
        {
            using var file = storage.Open(name);
            var bytes = new byte[Math.Min(file.Length, BytesMax)];
            file.ReadExactly(0, bytes);
            return bytes;
        }
        catch (IOException fault)
        {
            throw IdentityFormat.Unreadable(fault);
        }
    }

    private bool HasCopy => FeatureTable.IsEnabled(Feature.Repair, _identity.Version);

    private bool IsInEachFile()
    {
        var expected = IdentityFormat.Encode(_identity);
        return IsIn(Name) && (!HasCopy || IsIn(CopyName));

        bool IsIn(string name)
        {
            try
            {
                return ReadFile(_storage, name) is { } bytes && bytes.AsSpan().SequenceEqual(expected);
            }
            catch (WalCorruptionException)
            {
                return false;
            }
        }
    }

    private static ulong DrawRandom()
    {
        Span<byte> bytes = stackalloc byte[8];
        do
            RandomNumberGenerator.Fill(bytes);
        while (BitConverter.ToUInt64(bytes) == 0);
        return BitConverter.ToUInt64(bytes);
    }

    // Published only when it is on disk, in both files: a change that could not be written has not happened.
    private void Write(DataDirectoryIdentity next)
    {
        var bytes = IdentityFormat.Encode(next);
        AtomicFile.Replace(_storage, Name, bytes);
        if (FeatureTable.IsEnabled(Feature.Repair, next.Version))
            AtomicFile.Replace(_storage, CopyName, bytes);
        Volatile.Write(ref _identity, next);
    }
}
