using System.Reflection;

namespace Quorate.Verification;

/// <summary>The revision of the sources that this assembly was built from.</summary>
internal static class SourceRevision
{
    /// <summary>
    /// The commit, with the suffix -dirty if the sources had uncommitted changes. Without a repository, the version of the assembly.
    /// </summary>
    /// <remarks>The build appends the commit to the version: Quorate.Verification.csproj.</remarks>
    public static string Commit { get; } = CommitOf(
        typeof(SourceRevision).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    private static string CommitOf(string version) => version[(version.IndexOf('+', StringComparison.Ordinal) + 1)..];
}
