using System.Reflection;

namespace Quorate.Verification;

/// <summary>Which sources this assembly was built from.</summary>
internal static class SourceRevision
{
    /// <summary>The commit, with a word behind it if what was built had changes that are not committed; of sources without a repository, the version.</summary>
    /// <remarks>The build puts it behind the version: Quorate.Verification.csproj.</remarks>
    public static string Commit { get; } = CommitOf(typeof(SourceRevision).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    private static string CommitOf(string version) => version[(version.IndexOf('+', StringComparison.Ordinal) + 1)..];
}
