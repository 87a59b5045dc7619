namespace Quorate.Node.Versions;

/// <summary>A later version has written the data directory, and this build does not read all that it may contain.</summary>
/// <remarks>Durability: nothing in the directory was changed. The message states what failed, why, and what to do.</remarks>
public sealed class StorageVersionException : IOException
{
    internal StorageVersionException(string message)
        : base(message)
    {
    }

    internal static StorageVersionException OfVersion(ClusterVersion found, ClusterVersion supported) => new(
        $"The data directory has version {found}, and this member supports versions up to {supported}. "
        + (found > ClusterVersion.Current
            ? $"A newer build has written it and may have used what this build, {ClusterVersion.Current}, does not know. "
                + "Nothing was changed. Start the build that wrote it, or a newer one."
            : $"The option that limits the version of the cluster to {supported} came too late: members already use {found}. "
                + "Nothing was changed. Start without the option."));

    internal static StorageVersionException OfCluster(ClusterVersion cluster, ClusterVersion supported) => new(
        $"The cluster now has version {cluster}, and this member supports versions up to {supported}: it cannot take part any more. "
        + "It was away while the others were upgraded, or was started with an option that limits the version. "
        + "Start a build that supports the version, without the option.");

    internal static StorageVersionException OfFormat(string file, uint found, uint newest) => new(
        $"{file} has format {found}; this build reads format {newest} and older ones. A newer build has written the data directory. "
        + "Start the build that wrote it, or a newer one.");
}
