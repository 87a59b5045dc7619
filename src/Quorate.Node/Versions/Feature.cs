namespace Quorate.Node.Versions;

/// <summary>What a member may only do when every member of the cluster understands it.</summary>
internal enum Feature
{
    /// <summary>
    /// Taking snapshots, dropping the log that they cover, and exchanging them: heartbeats with <c>NeedsSnapshot</c>, FetchSnapshot and its
    /// reply. A build before it can neither start on a log without its beginning nor be brought up to date by one.
    /// </summary>
    Snapshots,

    /// <summary>Leadership transfer: TimeoutNow.</summary>
    LeadershipTransfer,

    /// <summary>The version of the cluster as an entry of the log.</summary>
    ClusterVersionEntry,

    /// <summary>
    /// A second copy of term and vote and of the identity, and a repair that loses no vote. A build before it writes the first copy only.
    /// </summary>
    Repair,

    /// <summary>The comparison of state hashes: StateHashReport.</summary>
    StateHashes,

    /// <summary>
    /// Configurations as entries of the log, changes of them among forwarded proposals, and the binding of members to their data
    /// directories.
    /// </summary>
    Membership,

    /// <summary>
    /// Leases of the leader. A member that has granted one cannot be started with a build before: it would vote during the lease.
    /// </summary>
    LeaderLeases,
}

/// <summary>The version that has introduced each feature: the one table of feature gates.</summary>
internal static class FeatureTable
{
    /// <summary>Returns the first version of which all members must be before the feature is used.</summary>
    public static ClusterVersion IntroducedIn(Feature feature) => feature switch
    {
        Feature.Snapshots => new ClusterVersion(0, 2),
        Feature.LeadershipTransfer => new ClusterVersion(0, 2),
        Feature.ClusterVersionEntry => new ClusterVersion(0, 2),
        Feature.Repair => new ClusterVersion(0, 2),
        Feature.StateHashes => new ClusterVersion(0, 2),
        Feature.Membership => new ClusterVersion(0, 2),
        Feature.LeaderLeases => new ClusterVersion(0, 2),
        _ => throw new ArgumentOutOfRangeException(nameof(feature), feature, "no version is defined for this feature"),
    };

    /// <summary>Whether a cluster of this version may use the feature.</summary>
    public static bool IsEnabled(Feature feature, ClusterVersion cluster) => cluster >= IntroducedIn(feature);
}
