using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Server.Replication;

/// <summary>What the members replicate: the key-value store, and beside it the book of the members themselves.</summary>
internal sealed class ClusterMachine(MemberBook members) : IStateMachine<KvResult>, IStoreReader
{
    private readonly KvStore _store = new();

    /// <inheritdoc/>
    public long Revision => _store.Current.Revision;

    /// <inheritdoc/>
    public long SizeBytes => _store.Current.SizeBytes;

    /// <inheritdoc/>
    public KvResult Read(KvOperation operation) => operation switch
    {
        RangeRequest range => _store.Current.Range(range),
        TxnRequest txn => _store.Current.Txn(txn),
        _ => throw new ArgumentException($"{operation.GetType().Name} does not only read", nameof(operation)),
    };

    /// <inheritdoc/>
    public KvError? HashKv(long revision, out KvHash hash) => _store.Current.HashKv(revision, out hash);

    /// <inheritdoc/>
    public KvResult Apply(in CommittedCommand command)
    {
        if (command.Command.Span is not [MemberBook.CommandMark, ..])
            return _store.Apply(command);

        members.Apply(command.Command);
        return default;
    }

    /// <inheritdoc/>
    public void BatchApplied(LogIndex last) => _store.BatchApplied(last);
}
