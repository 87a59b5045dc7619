using System.CommandLine;
using Quorate.Server.Bench;
using Quorate.Server.Demo;
using Quorate.Server.Hosting;

// Whatever takes etcd's command line takes ours: flags without a verb mean the server. Its flags are Go's, so it reads them itself.
if (args is ["server", ..])
    return await ServerCommand.RunAsync(args[1..]).ConfigureAwait(false);
if (args is [['-', ..] first, ..] && first is not ("-h" or "-?" or "--help" or "--version"))
    return await ServerCommand.RunAsync(args).ConfigureAwait(false);

var demo = new Command("demo", "Three members in one process, on real sockets and files, and a prompt to kill them from.");
demo.SetAction((_, _) => DemoCommand.RunAsync());
var root = new RootCommand("Raft for .NET: an etcd-compatible server and its tools.")
{
    new Command("server", "One member of a cluster, serving etcd's v3 API. It takes etcd's flags: quorate server --help."),
    demo,
    BenchCommand.Create(),
};
return await root.Parse(args.Length == 0 ? ["--help"] : args).InvokeAsync().ConfigureAwait(false);
