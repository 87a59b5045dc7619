namespace Quorate.Node.Storage;

/// <summary>Rejects files of a format that this version does not read.</summary>
internal static class FormatVersion
{
    /// <summary>What to do with a data directory of a version that was never released, for error messages.</summary>
    public const string StartEmpty =
        "This version does not read its format: start with an empty data directory " +
        "(all members of the cluster, because an empty directory has forgotten the votes and entries of its member).";

    /// <summary>Throws if a file has another format than <paramref name="current"/>.</summary>
    /// <param name="file">The name of the file.</param>
    /// <param name="found">The version in the file; its checksum was verified.</param>
    /// <param name="current">The version that this build reads and writes.</param>
    /// <param name="firstReleased">The first version that a release wrote; builds before the first release wrote earlier ones.</param>
    /// <exception cref="IOException">The versions differ.</exception>
    public static void Verify(string file, uint found, uint current, uint firstReleased)
    {
        if (found == current)
            return;
        throw new IOException(found < firstReleased
            ? $"{file} has format {found}: the data directory was written by an unreleased version of Quorate. {StartEmpty}"
            : $"{file} has format {found}; this build reads format {current}. Start the build that wrote it, or a newer one.");
    }
}
