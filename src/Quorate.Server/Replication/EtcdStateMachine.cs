using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Server.Replication;

/// <summary>The replicated state machine of a member: the key-value store and the registry of members.</summary>
/// <remarks>
/// The lease deadlines and the revision signal are local to this member: they follow the applied commands and never affect the result.
/// </remarks>
internal sealed class EtcdStateMachine(MemberRegistry members, LeaseDeadlines leaseDeadlines) : IStateMachine<KvResult>, IStoreReader
{
    private readonly KvStore _store = new();
    private (long Revision, long Compacted) _lastSignaled;

    /// <inheritdoc/>
    public KvSnapshot Current => _store.Current;

    /// <inheritdoc/>
    public RevisionSignal Changed { get; } = new();

    /// <inheritdoc/>
    public KvResult Read(KvOperation operation, IReadCancellation cancellation) => operation switch
    {
        RangeRequest range => _store.Current.Range(range, cancellation),
        TxnRequest txn => _store.Current.Txn(txn, cancellation),
        _ => throw new ArgumentException($"{operation.GetType().Name} is not read-only", nameof(operation)),
    };

    /// <inheritdoc/>
    public KvError? HashKv(long revision, out KvHash hash) => _store.Current.HashKv(revision, out hash);

    /// <inheritdoc/>
    public KvResult Apply(in CommittedCommand command)
    {
        if (command.Command.Span is not [MemberRegistry.CommandPrefix, ..])
        {
            var result = _store.Apply(command);
            leaseDeadlines.OnApplied(result.Response);
            return result;
        }

        members.Apply(command.Command);
        return default;
    }

    /// <inheritdoc/>
    public void BatchApplied(LogIndex last)
    {
        _store.BatchApplied(last);
        var now = (_store.Current.Revision, _store.Current.CompactRevision);
        if (now == _lastSignaled)
            return;
        _lastSignaled = now;
        Changed.Pulse();
    }
}
