using System.Runtime.CompilerServices;

namespace Quorate.PlantedBugs;

/// <summary>The folder of sources that the museum hangs its exhibits in. Nothing in it is changed but one table.</summary>
internal static class RepositoryRoot
{
    public static string FullPath { get; } = FindRoot();

    private static string FindRoot([CallerFilePath] string callerPath = "")
    {
        var directory = Path.GetDirectoryName(callerPath);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new PlantedBugException($"no Quorate.slnx above {callerPath}: run the museum from a checkout");
    }
}
