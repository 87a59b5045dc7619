using System.Buffers;
using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>The leader's duty to end leases whose time is up.</summary>
/// <remarks>
/// A leader begins only when it has committed something of its own term, which a read barrier tells, and then with full times for all: the
/// renewals of an old leader's last moments may be lost to it. It proposes; the lease ends when that is applied, and not if a renewal came
/// first, because the proposal names the renewal it was judged by. So two members that both believe to lead do no harm either.
/// Source: etcd's lessor, whose period and number at once these are.
/// </remarks>
internal sealed class LeaseReaper(ulong self, IRaftNode node, LeaseDeadlines deadlines, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromSeconds(5);
    private const int LeasesPerRoundMax = 500;

    private ulong _confirmedTerm;

    /// <summary>Looks twice a second, until it is told to stop.</summary>
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
            // We are stopping.
        }
    }

    /// <summary>One look.</summary>
    internal async Task RunOnceAsync(CancellationToken stopping)
    {
        using var roundCancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var timeout = new CancellationTokenSource(RoundTimeout, time);
        await using var _ = timeout.Token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), roundCancellation).ConfigureAwait(false);

        if (!await ConfirmLeadershipAsync(roundCancellation.Token).ConfigureAwait(false))
            return;
        var expired = deadlines.GetExpired(LeasesPerRoundMax);
        await Task.WhenAll(expired.Select(lease => ExpireAsync(lease, roundCancellation.Token))).ConfigureAwait(false);
    }

    private async Task<bool> ConfirmLeadershipAsync(CancellationToken cancellation)
    {
        var before = node.Status;
        if (before.Leader != self)
        {
            _confirmedTerm = 0;
            return false;
        }

        if (before.Term == _confirmedTerm)
            return true;
        if (await node.ReadBarrierAsync(cancellation).ConfigureAwait(false) != RequestOutcome.Completed)
            return false;
        var after = node.Status;
        if (after.Leader != self || after.Term != before.Term)
            return false;

        deadlines.ExtendAll();
        _confirmedTerm = after.Term;
        return true;
    }

    /// <summary>However it ends: what is still due at the next look is proposed again.</summary>
    private async Task ExpireAsync(Lease lease, CancellationToken cancellation)
    {
        var command = new ArrayBufferWriter<byte>(32);
        KvCommand.Encode(new LeaseExpireRequest(lease.Id, lease.RenewedAt), command);
        await node.ProposeAsync(command.WrittenMemory, cancellation).ConfigureAwait(false);
    }
}
