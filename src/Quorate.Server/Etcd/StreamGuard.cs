using Grpc.Core;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Ends a stream from this side: when the member stops, and when a client that requires a leader has had none for three election timeouts.</summary>
/// <remarks>Source: etcd v3 API, the metadata <c>hasleader</c>.</remarks>
internal sealed class StreamGuard(IReplica replica, TimeSpan electionTimeout, TimeProvider time, CancellationToken stopping)
{
    private const int TimeoutsWithoutLeaderMax = 3;

    /// <summary>Runs a stream until it ends by itself, or is ended.</summary>
    /// <exception cref="RpcException">It was ended from this side, and why.</exception>
    public async Task RunAsync(ServerCallContext context, Func<CancellationToken, Task> stream)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping);
        var requiresLeader = context.RequestHeaders.Get("hasleader") is not null;
        var leaderLost = false;
        var watch = requiresLeader ? CancelWithoutLeaderAsync(ending) : Task.FromResult(false);
        try
        {
            await stream(ending.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (ending.IsCancellationRequested && e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Ended, from this side or the other: what was interrupted does not matter.
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            leaderLost = await watch.ConfigureAwait(false);
        }

        if (leaderLost)
            throw EtcdErrors.NoLeader();
        if (stopping.IsCancellationRequested)
            throw EtcdErrors.Stopped();
    }

    private async Task<bool> CancelWithoutLeaderAsync(CancellationTokenSource ending)
    {
        using var timer = new PeriodicTimer(electionTimeout, time);
        var without = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(ending.Token).ConfigureAwait(false))
            {
                without = replica.Status.Leader == 0 ? without + 1 : 0;
                if (without < TimeoutsWithoutLeaderMax)
                    continue;
                await ending.CancelAsync().ConfigureAwait(false);
                return true;
            }
        }
        catch (OperationCanceledException)
        {
            // The stream has ended.
        }

        return false;
    }
}
