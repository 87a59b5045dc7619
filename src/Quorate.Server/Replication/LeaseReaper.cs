using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;

namespace Quorate.Server.Replication;

/// <summary>Proposes the expiry of overdue leases while this member is the leader, and the advances of the lease clock.</summary>
/// <remarks>
/// A leader starts only after it has committed an entry of its own term, which a completed read barrier proves: then it has applied every
/// renewal that was acknowledged under earlier leaders. The reaper proposes an expiry; the lease ends when the expiry is applied, unless a
/// renewal was applied first: the proposal contains the index of the last renewal that the leader knew. Expiry is therefore correct even
/// while two members consider themselves the leader. At most 1,000 leases expire in a second, as with etcd's lessor.
/// </remarks>
internal sealed class LeaseReaper(ulong self, IRaftNode<KvResult> node, MemberLeaseDeadlines deadlines, TimeProvider time)
{
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromSeconds(5);
    private const int LeasesPerRoundMax = 250;

    private Term _confirmedTerm;
    private TimeSpan _leadingSince;

    /// <summary>Runs one round in each <see cref="LeaseDeadlines.RoundPeriod"/> until the server stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(LeaseDeadlines.RoundPeriod, time);
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

    /// <summary>
    /// Runs one round: proposes the expiry of overdue leases if this member is the confirmed leader, and an advance of the lease clock if
    /// one is due.
    /// </summary>
    internal async Task RunOnceAsync(CancellationToken stopping)
    {
        using var roundCancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var timeout = new CancellationTokenSource(RoundTimeout, time);
        await using var _ = timeout.Token.UnsafeRegister(
            static source => ((CancellationTokenSource)source!).Cancel(), roundCancellation).ConfigureAwait(false);

        try
        {
            var cancellation = roundCancellation.Token;
            if (!node.Status.HasLeader)
                return;
            TimeSpan? leadingSince = await ConfirmLeadershipAsync(cancellation).ConfigureAwait(false) ? _leadingSince : null;
            var (expired, advance) = deadlines.GetDue(node.Status.Term, leadingSince, LeasesPerRoundMax);
            var advancing = advance is { } measured ? AdvanceAsync(measured, cancellation) : Task.CompletedTask;
            await Task.WhenAll([advancing, .. expired.Select(lease => ExpireAsync(lease, cancellation))]).ConfigureAwait(false);
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
            _confirmedTerm = Term.Zero;
            return false;
        }

        if (before.Term == _confirmedTerm)
            return true;
        if (!(await node.ReadBarrierAsync(cancellation).ConfigureAwait(false)).IsGranted)
            return false;
        var after = node.Status;
        if (after.Leader.Value != self || after.Term != before.Term)
            return false;

        (_confirmedTerm, _leadingSince) = (after.Term, deadlines.Now);
        return true;
    }

    /// <summary>Proposes an advance of the lease clock. If it fails, the next round measures the same time again.</summary>
    private async Task AdvanceAsync(LeaseClockMeasurement measured, CancellationToken cancellation)
    {
        var result = await ProposeAsync(measured.Request, cancellation).ConfigureAwait(false);
        if (result is { Outcome: ProposalOutcome.Committed, Result.Response: LeaseClockAdvanceResponse { IsAccepted: true } })
            deadlines.OnOwnAdvanceAccepted(result.Index, measured.At);
    }

    /// <summary>
    /// Proposes the expiry of one lease. The outcome is ignored: if the lease is still overdue in the next round, it is proposed again.
    /// </summary>
    private async Task ExpireAsync(Lease lease, CancellationToken cancellation) =>
        await ProposeAsync(new LeaseExpireRequest(lease.Id, lease.RenewedAt), cancellation).ConfigureAwait(false);

    private ValueTask<ProposalResult<KvResult>> ProposeAsync(KvRequest request, CancellationToken cancellation) =>
        node.ProposeAsync(CommandEncoder.Encode(request, capacity: 32), cancellation);
}
