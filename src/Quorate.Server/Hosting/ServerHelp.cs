using Quorate.Server.Settings;

namespace Quorate.Server.Hosting;

/// <summary>What <c>quorate server --help</c> says.</summary>
internal static class ServerHelp
{
    /// <summary>Writes it.</summary>
    public static void Write(TextWriter target)
    {
        target.WriteLine("Usage: quorate server [--flag value | --flag=value]...");
        target.WriteLine();
        target.WriteLine("One member of a cluster, serving etcd's v3 API. The flags are etcd's; each can also be set as ETCD_FLAG_NAME in the");
        target.WriteLine("environment, where the command line wins. Without a flag it is a cluster of one at http://localhost:2379.");
        target.WriteLine();
        foreach (var flag in EtcdFlags.All.Where(f => f.Support == FlagSupport.Supported))
            target.WriteLine($"  --{flag.Name,-30} {flag.Description} ({flag.Default})");
        target.WriteLine();
        WriteNames(target, "Known, and without effect here:", FlagSupport.Ignored);
        WriteNames(target, "Refused, because to ignore them would be unsafe:", FlagSupport.Rejected);
        target.WriteLine("Exit codes: 0 stopped as asked, 1 wrong usage, 2 failed.");
    }

    private static void WriteNames(TextWriter target, string title, FlagSupport fate)
    {
        target.WriteLine(title);
        foreach (var row in EtcdFlags.All.Where(f => f.Support == fate).Select(f => "--" + f.Name).Chunk(4))
            target.WriteLine("  " + string.Join(' ', row));
        target.WriteLine();
    }
}
