using System.CommandLine;
using Quorate.Server.Bench;

var root = new RootCommand("Raft for .NET: an etcd-compatible server and its tools.") { BenchCommand.Create() };
return await root.Parse(args).InvokeAsync().ConfigureAwait(false);
