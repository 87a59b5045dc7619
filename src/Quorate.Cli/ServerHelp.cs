using Quorate.Server.Etcd;
using Quorate.Server.Settings;

namespace Quorate.Cli;

/// <summary>The help text of <c>quorate server --help</c>.</summary>
internal static class ServerHelp
{
    /// <summary>Writes the help text.</summary>
    public static void Write(TextWriter target)
    {
        target.WriteLine("Usage: quorate server [--flag value | --flag=value]...");
        target.WriteLine("       quorate server --version");
        target.WriteLine();
        target.WriteLine("Runs one member of a cluster, which serves etcd's v3 API. The flags are etcd's. Each flag can also be set");
        target.WriteLine("by the environment variable ETCD_FLAG_NAME; the command line takes precedence. Without flags, the server");
        target.WriteLine("is a cluster of one member and serves clients at http://localhost:2379.");
        target.WriteLine();
        target.WriteLine("Supported flags:");
        foreach (var flag in EtcdFlags.All.Where(f => f.Support == FlagSupport.Supported))
            WriteFlag(target, flag);
        target.WriteLine();
        target.WriteLine("Flags that etcd does not have:");
        foreach (var flag in EtcdFlags.All.Where(f => f.Support == FlagSupport.Extension))
            WriteFlag(target, flag);
        target.WriteLine();
        WriteNames(target, "Accepted with a warning, without effect:", FlagSupport.Ignored);
        WriteNames(target, "Rejected, because ignoring them would be unsafe:", FlagSupport.Rejected);
        target.WriteLine("Exit codes: 0 stopped by a signal, 1 invalid flags or environment, 2 failed,");
        target.WriteLine("5 the data directory was written by a newer version.");
    }

    /// <summary>Writes the version of the server, and the version of etcd that it reports to clients.</summary>
    public static void WriteVersion(TextWriter target)
    {
        target.WriteLine($"quorate Version: {ReportedVersions.Quorate}");
        target.WriteLine($"etcd API Version: {ReportedVersions.EtcdServer}");
    }

    private static void WriteFlag(TextWriter target, EtcdFlag flag)
    {
        target.WriteLine($"  --{flag.Name}");
        target.WriteLine($"      {flag.Description} (default: {flag.Default})");
    }

    private static void WriteNames(TextWriter target, string title, FlagSupport support)
    {
        target.WriteLine(title);
        foreach (var row in EtcdFlags.All.Where(f => f.Support == support).Select(f => "--" + f.Name).Chunk(4))
            target.WriteLine("  " + string.Join(' ', row));
        target.WriteLine();
    }
}
