using Quorate.Node.Versions;

namespace Quorate.Node.Storage;

/// <summary>Rejects files of a format that this version does not read.</summary>
internal static class FormatVersion
{
    /// <summary>What to do with a data directory of a version that was never released, for error messages.</summary>
    public const string StartEmpty =
        "This version does not read its format: start with an empty data directory " +
        "(all members of the cluster, because an empty directory has forgotten the votes and entries of its member).";

    /// <summary>Throws if a file has a format that is newer than <paramref name="current"/> or was never released.</summary>
    /// <param name="file">The name of the file.</param>
    /// <param name="found">The version in the file; its checksum was verified.</param>
    /// <param name="current">The newest version that this build reads; it reads all released ones.</param>
    /// <param name="firstReleased">The first version that a release wrote; builds before the first release wrote earlier ones.</param>
    /// <exception cref="StorageVersionException">A later build wrote the file.</exception>
    /// <exception cref="IOException">An unreleased build wrote the file.</exception>
    public static void Verify(string file, uint found, uint current, uint firstReleased)
    {
        if (found < firstReleased)
        {
            throw new IOException(
                $"{file} has format {found}: the data directory was written by an unreleased version of Quorate. {StartEmpty}");
        }

        if (found > current)
            throw StorageVersionException.OfFormat(file, found, current);
    }
}
