using System.Diagnostics;
using System.Runtime.InteropServices;
using Grpc.Core;

namespace Quorate.Server.Demo;

/// <summary><c>quorate demo</c>: a cluster of three to play with, and a prompt to hurt it from.</summary>
internal static class DemoVerb
{
    private static readonly TimeSpan ElectionPatience = TimeSpan.FromSeconds(15);

    /// <summary>Runs it on the process's own terminal, until quit, the end of the input, or a signal.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync()
    {
        using var interrupted = new CancellationTokenSource();
        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        return await RunAsync(Console.In, DemoScreen.OfProcess(), interrupted.Token).ConfigureAwait(false);

        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted.Cancel();
        }
    }

    /// <summary>Runs it on any input and screen.</summary>
    public static async Task<int> RunAsync(TextReader input, DemoScreen screen, CancellationToken cancellation)
    {
        var cluster = new DemoCluster();
        await using (cluster.ConfigureAwait(false))
        {
            screen.Say($"quorate {Etcd.Versions.Quorate}: three members in one process, data in {cluster.Folder} (removed on exit)");
            await cluster.StartAllAsync().ConfigureAwait(false);
            await TellOfLeaderAsync(cluster, screen, Stopwatch.StartNew(), cancellation).ConfigureAwait(false);
            screen.Show(cluster.Rows());
            screen.Say($"etcdctl works too: etcdctl --endpoints={string.Join(',', cluster.ClientUrls.Select(u => u["http://".Length..]))} put hello world");
            screen.Say("commands: status | put KEY VALUE | get KEY | kill NAME | restart NAME | quit");

            while (!cancellation.IsCancellationRequested)
            {
                screen.Prompt();
                var line = await ReadLineAsync(input, cancellation).ConfigureAwait(false);
                if (line is null || !await ObeyAsync(line, cluster, screen, cancellation).ConfigureAwait(false))
                    break;
            }
        }

        return cancellation.IsCancellationRequested ? ExitCode.Interrupted : ExitCode.Ok;
    }

    /// <summary>Does what one line says. False: the demo is over.</summary>
    private static async Task<bool> ObeyAsync(string line, DemoCluster cluster, DemoScreen screen, CancellationToken cancellation)
    {
        switch (line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            case []:
                break;
            case ["quit" or "exit"]:
                return false;
            case ["status"]:
                screen.Show(cluster.Rows());
                break;
            case ["put", var key, var value]:
                await AttemptAsync(screen, async () =>
                {
                    var put = await cluster.PutAsync(key, value).ConfigureAwait(false);
                    return $"OK revision {put.Header.Revision}";
                }).ConfigureAwait(false);
                break;
            case ["get", var key]:
                await AttemptAsync(screen, async () =>
                {
                    var range = await cluster.GetAsync(key).ConfigureAwait(false);
                    return range.Kvs is [var kv, ..] ? kv.Value.ToStringUtf8() : "(no such key)";
                }).ConfigureAwait(false);
                break;
            case ["kill", var who]:
                var name = NameOf(who);
                var killed = Stopwatch.StartNew();
                if (!await cluster.TryKillAsync(name).ConfigureAwait(false))
                {
                    screen.Say($"{name} does not run; members are {string.Join(", ", cluster.Members)}");
                    break;
                }

                screen.Say($"{name} killed");
                await TellOfLeaderAsync(cluster, screen, killed, cancellation).ConfigureAwait(false);
                break;
            case ["restart", var who]:
                var stopped = NameOf(who);
                screen.Say(await cluster.TryStartAsync(stopped).ConfigureAwait(false) ? $"{stopped} restarted" : $"{stopped} runs already, or is no member");
                break;
            default:
                screen.Say("commands: status | put KEY VALUE | get KEY | kill NAME | restart NAME | quit");
                break;
        }

        return true;
    }

    /// <summary>A member may be called by its name or by its number.</summary>
    private static string NameOf(string text) => text.All(char.IsAsciiDigit) ? $"n{text}" : text;

    private static async Task TellOfLeaderAsync(DemoCluster cluster, DemoScreen screen, Stopwatch since, CancellationToken cancellation)
    {
        // Two of three make a majority; with one left nobody can lead, and waiting would show nothing.
        var canElect = 2 * cluster.ClientUrls.Count() > cluster.Members.Count;
        if (canElect && await cluster.WaitForLeaderAsync(ElectionPatience, cancellation).ConfigureAwait(false) && cluster.Leader() is { } leader)
            screen.Say($"{leader.Name} leads, term {leader.Term} (after {since.ElapsedMilliseconds} ms)");
        else
            screen.Say("nobody leads: writes and linearizable reads wait for a majority");
    }

    private static async Task AttemptAsync(DemoScreen screen, Func<Task<string>> action)
    {
        try
        {
            screen.Say(await action().ConfigureAwait(false));
        }
        catch (RpcException failed)
        {
            screen.Say(failed.StatusCode == StatusCode.DeadlineExceeded ? "no answer in time: whether it happened is not known" : $"failed: {failed.Status.Detail}");
        }
    }

    /// <summary>A console's read cannot be cancelled, so it is left behind when the demo ends.</summary>
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
