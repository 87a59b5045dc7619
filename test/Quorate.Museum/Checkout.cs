using System.Runtime.CompilerServices;

namespace Quorate.Museum;

/// <summary>The folder of sources that the museum hangs its exhibits in. Nothing in it is changed but one table.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = Path.GetDirectoryName(here);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Quorate.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new MuseumException($"no Quorate.slnx above {here}: run the museum from a checkout");
    }
}
