using Quorate.Node.Storage;

namespace Quorate.Node.Versions;

/// <summary>The version of the cluster as this member has applied it, and the features that it permits.</summary>
/// <remarks>
/// Durability: a version is in the identity file, flushed, before it counts. So whatever a feature writes into the data directory is
/// refused by a build that does not know the feature.
/// Threading: the applier and the workers of snapshots record versions; any thread reads.
/// </remarks>
/// <param name="identity">The identity file, which has the version.</param>
/// <param name="supported">The highest version that this member supports.</param>
internal sealed class ClusterFeatures(IdentityFile identity, ClusterVersion supported)
{
    /// <summary>The highest version that this member supports.</summary>
    public ClusterVersion Supported => supported;

    /// <summary>The version of the cluster, and the entry that set it.</summary>
    public VersionAt Current => identity.Identity is var current ? new VersionAt(current.Version, current.VersionIndex) : default;

    /// <summary>Whether all members of the cluster know a feature, so that it may be used.</summary>
    public bool IsEnabled(Feature feature) => FeatureTable.IsEnabled(feature, Current.Version);

    /// <summary>Records a version that is committed. Does nothing for one that an earlier entry set, or that is not given.</summary>
    /// <exception cref="StorageVersionException">This member does not support the version: it must not continue.</exception>
    /// <exception cref="IOException">The version cannot be written.</exception>
    public void Record(VersionAt committed)
    {
        if (committed.Version == default || committed.Index <= Current.Index)
            return;
        if (committed.Version > supported)
            throw StorageVersionException.OfCluster(committed.Version, supported);
        identity.TryRecordVersion(committed.Version, committed.Index);
    }
}
