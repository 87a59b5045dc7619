using System.Collections.Immutable;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>The content of a data directory's identity file: which member of which cluster the directory belongs to.</summary>
/// <remarks>Format: docs/formats/identity.md.</remarks>
public sealed class DataDirectoryIdentity
{
    internal DataDirectoryIdentity()
    {
    }

    /// <summary>The cluster.</summary>
    public ulong ClusterId { get; internal init; }

    /// <summary>The member that the directory belongs to.</summary>
    public NodeId MemberId { get; internal init; }

    /// <summary>
    /// The members with which the cluster was created, in id order; none if the directory was created to join an existing cluster.
    /// </summary>
    public ImmutableArray<NodeId> Members { get; internal init; } = [];

    /// <summary>The voters of the last configuration that this member has applied, in id order; none before the first one.</summary>
    public ImmutableArray<NodeId> Voters { get; internal init; } = [];

    /// <summary>The learners of the last configuration that this member has applied, in id order.</summary>
    public ImmutableArray<NodeId> Learners { get; internal init; } = [];

    /// <summary>
    /// The version of the directory: that of the cluster, as far as this member has applied the log. Builds of a lower version refuse the
    /// directory.
    /// </summary>
    public ClusterVersion Version { get; internal init; } = ClusterVersion.Oldest;

    /// <summary>The id of the directory, drawn at random when it was created.</summary>
    public DirectoryId DirectoryId { get; internal init; }

    /// <summary>The attributes that the directory was created with (<see cref="RaftNodeOptions.DataDirectoryAttributes"/>).</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; internal init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The sequence number of the newest log segment that was ever used or may be used; 0 before the first.</summary>
    internal ulong NewestSegment { get; init; }

    /// <summary>The log entry that set <see cref="Version"/>; 0: the directory was created with it.</summary>
    internal LogIndex VersionIndex { get; init; }

    /// <summary>The data directories of the peers that have connected.</summary>
    internal ImmutableSortedDictionary<NodeId, DirectoryId> Peers { get; init; } = ImmutableSortedDictionary<NodeId, DirectoryId>.Empty;

    /// <summary>The configuration before the first one in the log.</summary>
    internal Configuration InitialConfiguration => Members.IsEmpty ? Configuration.None : new Configuration(Members);

    /// <summary>The last known number of voters.</summary>
    internal int VoterCount => Voters.IsEmpty ? Members.Length : Voters.Length;

    internal DirectoryStamp Stamp => new(DirectoryId, MemberId);

    /// <summary>Reads the identity of a data directory without locking it; a running node may have it open.</summary>
    /// <returns>The identity; null if the directory does not exist or has no identity file.</returns>
    /// <exception cref="WalCorruptionException">The file is not as it was written.</exception>
    /// <exception cref="StorageVersionException">A later build wrote the file, in a format that this one does not read.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static DataDirectoryIdentity? Read(string directory)
    {
        return IdentityFile.Read(ReadFile);

        byte[]? ReadFile(string name)
        {
            var path = Path.Combine(directory, name);
            try
            {
                return File.ReadAllBytes(path);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (UnauthorizedAccessException e)
            {
                throw FileStorage.Explain("read", path, e);
            }
            catch (IOException e)
            {
                throw IdentityFormat.Unreadable(e);
            }
        }
    }

    /// <summary>
    /// Creates the identity of a new data directory, as a node does when it starts, or verifies and returns that of an existing one.
    /// </summary>
    /// <param name="storage">The data directory.</param>
    /// <param name="clusterId">The cluster that the directory must belong to.</param>
    /// <param name="member">The member that the directory must belong to.</param>
    /// <param name="members">
    /// The members with which a new directory begins; none: it joins an existing cluster.
    /// </param>
    /// <param name="attributes">The attributes of a new directory; those of an existing one do not change.</param>
    /// <exception cref="WalCorruptionException">The file is not as it was written, or it is missing and the log is not.</exception>
    /// <param name="versionMax">
    /// The highest version of the cluster that the member supports (<see cref="RaftNodeOptions.ClusterVersionMax"/>); a new directory is
    /// created with it.
    /// </param>
    /// <exception cref="StorageVersionException">The directory has a higher version. Nothing in it was changed.</exception>
    /// <exception cref="IOException">The directory belongs to another member, or cannot be used.</exception>
    public static DataDirectoryIdentity OpenOrCreate(
        IStorage storage, ulong clusterId, NodeId member, IEnumerable<NodeId> members, IReadOnlyDictionary<string, string> attributes,
        ClusterVersion versionMax) =>
        IdentityFile.Open(
            storage, clusterId, member, members.ToArray() is [_, ..] initial ? new Configuration(initial) : Configuration.None,
            attributes, versionMax: versionMax).Identity;

    /// <summary>Whether this content was written after another of the same directory.</summary>
    internal bool IsLaterThan(DataDirectoryIdentity other) =>
        DirectoryId == other.DirectoryId
        && (NewestSegment > other.NewestSegment || Peers.Count > other.Peers.Count || VersionIndex > other.VersionIndex);

    internal DataDirectoryIdentity With(
        ulong? newestSegment = null, ImmutableSortedDictionary<NodeId, DirectoryId>? peers = null,
        (ClusterVersion Version, LogIndex Index)? version = null, Configuration? configuration = null) => new()
        {
            ClusterId = ClusterId,
            MemberId = MemberId,
            Members = Members,
            Voters = configuration?.Voters ?? Voters,
            Learners = configuration?.Learners ?? Learners,
            DirectoryId = DirectoryId,
            Attributes = Attributes,
            Version = version?.Version ?? Version,
            VersionIndex = version?.Index ?? VersionIndex,
            NewestSegment = newestSegment ?? NewestSegment,
            Peers = peers ?? Peers,
        };
}
