using System.CommandLine;
using System.Net.Sockets;
using Quorate.Cli;
using Quorate.Cli.Bench;
using Quorate.Cli.Client;
using Quorate.Cli.Demo;
using Quorate.Cli.Inspect;
using Quorate.Cli.Rebuild;
using Quorate.Cli.Snapshots;
using Quorate.Node.Backups;
using Quorate.Server;

// Scripts that start etcd can start quorate: flags without a command mean `server`, which parses its flags itself, in Go's syntax.
if (args is ["server", ..])
    return await ServerCommand.RunAsync(args[1..]).ConfigureAwait(false);
if (args is [['-', ..] first, ..] && first is not ("-h" or "-?" or "--help" or "--version"))
    return await ServerCommand.RunAsync(args).ConfigureAwait(false);

var demo = new Command("demo", "Runs three members in one process, on real sockets and files, with a prompt to kill and restart them.");
demo.SetAction((_, _) => DemoCommand.RunAsync());
var root = new RootCommand("Raft for .NET: an etcd-compatible server and its tools.")
{
    new Command("server", "Runs one member of a cluster, which serves etcd's v3 API. Takes etcd's flags; see quorate server --help."),
    demo,
    KeyCommands.CreateGet(),
    KeyCommands.CreatePut(),
    KeyCommands.CreateDelete(),
    ClusterCommands.CreateStatus(),
    ClusterCommands.CreateMembers(),
    ClusterCommands.CreateMoveLeader(),
    HealthCommand.Create(),
    BenchCommand.Create(),
    SnapshotCommand.Create(),
    InspectCommand.Create(),
    RebuildCommand.Create(),
};
var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
if (parsed.Errors.Count > 0)
{
    await parsed.InvokeAsync().ConfigureAwait(false);
    return ExitCode.Usage;
}

// The handler of System.CommandLine would return 1, which means an invalid command line here.
parsed.InvocationConfiguration.EnableDefaultExceptionHandler = false;
try
{
    return await parsed.InvokeAsync().ConfigureAwait(false);
}
catch (StartupException failure)
{
    StandardError.WriteError(failure);
    return ExitCode.Of(failure.Kind);
}
catch (BackupCorruptionException failure)
{
    await Console.Error.WriteLineAsync("quorate: " + failure.Message).ConfigureAwait(false);
    return ExitCode.Corruption;
}
catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SocketException)
{
    await Console.Error.WriteLineAsync("quorate: " + failure.Message).ConfigureAwait(false);
    return ExitCode.Failed;
}
