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
internal sealed class LeaseExpiry(ulong self, IReplica replica, LeaseClock clock, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PatienceOfOneRound = TimeSpan.FromSeconds(5);
    private const int AtOnceMax = 500;

    private ulong _termOfDuty;

    /// <summary>Looks twice a second, until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
                await LookAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // We are stopping.
        }
    }

    /// <summary>One look.</summary>
    internal async Task LookAsync(CancellationToken stopping)
    {
        using var round = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var patience = new CancellationTokenSource(PatienceOfOneRound, time);
        await using var _ = patience.Token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), round).ConfigureAwait(false);

        if (!await IsOnDutyAsync(round.Token).ConfigureAwait(false))
            return;
        var due = clock.Due(AtOnceMax);
        await Task.WhenAll(due.Select(lease => ExpireAsync(lease, round.Token))).ConfigureAwait(false);
    }

    private async Task<bool> IsOnDutyAsync(CancellationToken cancellation)
    {
        var before = replica.Status;
        if (before.Leader != self)
        {
            _termOfDuty = 0;
            return false;
        }

        if (before.Term == _termOfDuty)
            return true;
        if (await replica.ReadBarrierAsync(cancellation).ConfigureAwait(false) != ReplicaVerdict.Done)
            return false;
        var after = replica.Status;
        if (after.Leader != self || after.Term != before.Term)
            return false;

        clock.BeginAnew();
        _termOfDuty = after.Term;
        return true;
    }

    /// <summary>However it ends: what is still due at the next look is proposed again.</summary>
    private async Task ExpireAsync(Lease lease, CancellationToken cancellation)
    {
        var command = new ArrayBufferWriter<byte>(32);
        KvCommand.Encode(new LeaseExpireRequest(lease.Id, lease.RenewedAt), command);
        await replica.ProposeAsync(command.WrittenMemory, cancellation).ConfigureAwait(false);
    }
}
