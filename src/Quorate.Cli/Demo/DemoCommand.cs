using System.Diagnostics;
using Grpc.Core;
using Quorate.Server.Etcd;

namespace Quorate.Cli.Demo;

/// <summary>The <c>quorate demo</c> command: a cluster of three members, with a prompt to use it and to kill members.</summary>
internal static class DemoCommand
{
    private static readonly TimeSpan LeaderTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Runs the demo on the process's terminal until quit, the end of the input, or a signal.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync()
    {
        using var signals = new StopSignals();
        return await RunAsync(Console.In, DemoConsole.ForProcess(), signals.Token).ConfigureAwait(false);
    }

    /// <summary>Runs the demo on the given input and console.</summary>
    public static async Task<int> RunAsync(TextReader input, DemoConsole console, CancellationToken cancellation)
    {
        var cluster = new DemoCluster();
        await using (cluster.ConfigureAwait(false))
        {
            console.WriteLine(
                $"quorate {ReportedVersions.Quorate}: three members in one process, data in {cluster.DataDirectory} (removed on exit)");
            await cluster.StartAllAsync().ConfigureAwait(false);
            await ReportLeaderAsync(cluster, console, Stopwatch.StartNew(), cancellation).ConfigureAwait(false);
            console.WriteStatus(cluster.GetStatus());
            var endpoints = string.Join(',', cluster.ClientUrls.Select(u => u["http://".Length..]));
            console.WriteLine($"etcdctl works too: etcdctl --endpoints={endpoints} put hello world");
            console.WriteLine("commands: status | put KEY VALUE | get KEY | kill NAME | restart NAME | quit");

            while (!cancellation.IsCancellationRequested)
            {
                console.Prompt();
                var line = await ReadLineAsync(input, cancellation).ConfigureAwait(false);
                if (line is null || !await ExecuteAsync(line, cluster, console, cancellation).ConfigureAwait(false))
                    break;
            }
        }

        return cancellation.IsCancellationRequested ? ExitCode.Interrupted : ExitCode.Ok;
    }

    /// <summary>Executes one command line. Returns false for quit.</summary>
    private static async Task<bool> ExecuteAsync(string line, DemoCluster cluster, DemoConsole console, CancellationToken cancellation)
    {
        switch (line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            case []:
                break;
            case ["quit" or "exit"]:
                return false;
            case ["status"]:
                console.WriteStatus(cluster.GetStatus());
                break;
            case ["put", var key, var value]:
                await TryAsync(console, async () =>
                {
                    var put = await cluster.PutAsync(key, value).ConfigureAwait(false);
                    return $"OK revision {put.Header.Revision}";
                }).ConfigureAwait(false);
                break;
            case ["get", var key]:
                await TryAsync(console, async () =>
                {
                    var range = await cluster.GetAsync(key).ConfigureAwait(false);
                    return range.Kvs is [var kv, ..] ? kv.Value.ToStringUtf8() : "(no such key)";
                }).ConfigureAwait(false);
                break;
            case ["kill", var argument]:
                var name = NameOf(argument);
                var killed = Stopwatch.StartNew();
                if (!await cluster.TryKillAsync(name).ConfigureAwait(false))
                {
                    console.WriteLine($"{name} is not running; members: {string.Join(", ", cluster.Members)}");
                    break;
                }

                console.WriteLine($"{name} killed");
                await ReportLeaderAsync(cluster, console, killed, cancellation).ConfigureAwait(false);
                break;
            case ["restart", var argument]:
                var stopped = NameOf(argument);
                console.WriteLine(
                    await cluster.TryStartAsync(stopped).ConfigureAwait(false)
                        ? $"{stopped} restarted"
                        : $"{stopped} is already running, or is not a member");
                break;
            default:
                console.WriteLine("commands: status | put KEY VALUE | get KEY | kill NAME | restart NAME | quit");
                break;
        }

        return true;
    }

    /// <summary>Returns the name of a member given by its name or by its number.</summary>
    private static string NameOf(string text) => text.All(char.IsAsciiDigit) ? $"n{text}" : text;

    private static async Task ReportLeaderAsync(DemoCluster cluster, DemoConsole console, Stopwatch since, CancellationToken cancellation)
    {
        // Two of three members are a majority. With one member left no leader can be elected, so the demo does not wait for one.
        var canElect = 2 * cluster.ClientUrls.Count() > cluster.Members.Count;
        if (canElect
            && await cluster.WaitForLeaderAsync(LeaderTimeout, cancellation).ConfigureAwait(false)
            && cluster.Leader() is { } leader)
            console.WriteLine($"{leader.Name} is the leader, term {leader.Term} (after {since.ElapsedMilliseconds} ms)");
        else
            console.WriteLine("no leader: writes and linearizable reads wait for a majority");
    }

    private static async Task TryAsync(DemoConsole console, Func<Task<string>> action)
    {
        try
        {
            console.WriteLine(await action().ConfigureAwait(false));
        }
        catch (RpcException error)
        {
            console.WriteLine(
                error.StatusCode == StatusCode.DeadlineExceeded
                    ? "timed out: the request may or may not have been executed"
                    : $"failed: {error.Status.Detail}");
        }
    }

    /// <summary>Reads a line. A console read cannot be cancelled, so on cancellation it is abandoned.</summary>
    private static async Task<string?> ReadLineAsync(TextReader input, CancellationToken cancellation)
    {
        try
        {
            return await Task.Run(input.ReadLine, CancellationToken.None).WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
