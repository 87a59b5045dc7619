using System.Runtime.CompilerServices;

namespace Quorate.PlantedBugs;

/// <summary>
/// The root directory of the checkout whose sources are patched in memory. The result table is the only file this program writes there.
/// </summary>
internal static class RepositoryRoot
{
    public static string FullPath { get; } = FindRoot();

    private static string FindRoot([CallerFilePath] string callerPath = "")
    {
        var directory = Path.GetDirectoryName(callerPath);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory
            ?? throw new PlantedBugException(
            $"no Quorate.slnx above {callerPath}: run Quorate.PlantedBugs from a checkout of the repository");
    }
}
