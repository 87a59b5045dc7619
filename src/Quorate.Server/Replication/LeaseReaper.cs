using Quorate.Kv;
using Quorate.Node;

namespace Quorate.Server.Replication;

/// <summary>Proposes the expiry of overdue leases while this member is the leader.</summary>
/// <remarks>
/// A leader starts only after it has committed an entry of its own term, which a completed read barrier proves. It then restarts the full
/// TTL of every lease, because the last renewals that the old leader accepted may be lost. The reaper proposes an expiry; the lease ends
/// when the expiry is applied, unless a renewal was applied first: the proposal contains the index of the last renewal that the leader
/// knew. Expiry is therefore correct even while two members consider themselves the leader. Source: etcd's lessor; the period and the
/// number of leases per round are etcd's.
/// </remarks>
internal sealed class LeaseReaper(ulong self, IRaftNode<KvResult> node, LeaseDeadlines deadlines, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromSeconds(5);
    private const int LeasesPerRoundMax = 500;

    private ulong _confirmedTerm;

    /// <summary>Runs one round every 500 ms until the server stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
                await RunOnceAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The server is stopping.
        }
    }

    /// <summary>Runs one round: proposes the expiry of overdue leases if this member is the confirmed leader.</summary>
    internal async Task RunOnceAsync(CancellationToken stopping)
    {
        using var roundCancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var timeout = new CancellationTokenSource(RoundTimeout, time);
        await using var _ = timeout.Token.UnsafeRegister(
            static source => ((CancellationTokenSource)source!).Cancel(), roundCancellation).ConfigureAwait(false);

        try
        {
            if (!await ConfirmLeadershipAsync(roundCancellation.Token).ConfigureAwait(false))
                return;
            var expired = deadlines.GetExpired(LeasesPerRoundMax);
            await Task.WhenAll(expired.Select(lease => ExpireAsync(lease, roundCancellation.Token))).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NodeStoppedException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            // The round took too long, or the node has stopped. What is still overdue is proposed in the next round.
        }
    }

    private async Task<bool> ConfirmLeadershipAsync(CancellationToken cancellation)
    {
        var before = node.Status;
        if (before.Leader.Value != self)
        {
            _confirmedTerm = 0;
            return false;
        }

        if (before.Term.Value == _confirmedTerm)
            return true;
        if (!(await node.ReadBarrierAsync(cancellation).ConfigureAwait(false)).IsGranted)
            return false;
        var after = node.Status;
        if (after.Leader.Value != self || after.Term != before.Term)
            return false;

        deadlines.ExtendAll();
        _confirmedTerm = after.Term.Value;
        return true;
    }

    /// <summary>
    /// Proposes the expiry of one lease. The outcome is ignored: if the lease is still overdue in the next round, it is proposed again.
    /// </summary>
    private async Task ExpireAsync(Lease lease, CancellationToken cancellation)
    {
        var command = CommandEncoder.Encode(new LeaseExpireRequest(lease.Id, lease.RenewedAt), capacity: 32);
        await node.ProposeAsync(command, cancellation).ConfigureAwait(false);
    }
}
