using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Watching;

namespace Quorate.Server.Replication;

/// <summary>The replicated state machine of a member: the key-value store and the registry of members.</summary>
/// <remarks>
/// The lease deadlines and the watchers are local to this member: they follow the applied commands and never affect the result.
/// Any bytes can be applied. Those that are no command have no effect on any member, and are counted and logged: one such entry must not
/// stop all members, at every start.
/// </remarks>
internal sealed class EtcdStateMachine : IStateMachine<KvResult>, IStoreReader
{
    private readonly KvStore _store = new();
    private readonly MemberRegistry _members;
    private readonly MemberLeaseDeadlines _leaseDeadlines;
    private readonly UndecodableCommands _undecodable;

    public EtcdStateMachine(MemberRegistry members, MemberLeaseDeadlines leaseDeadlines, UndecodableCommands undecodable)
    {
        _members = members;
        _leaseDeadlines = leaseDeadlines;
        _undecodable = undecodable;
        Watchers = new WatchNotifier(_store.Current);
    }

    /// <inheritdoc/>
    public KvSnapshot Current => _store.Current;

    /// <inheritdoc/>
    public WatchNotifier Watchers { get; }

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
            if (result.Error == KvError.UndecodableCommand)
                _undecodable.OnApplied(command);
            _leaseDeadlines.OnApplied(command.Id, result.Response);
            return result;
        }

        if (_members.TryApply(command.Command))
            return default;
        _undecodable.OnApplied(command);
        return new KvResult(null, KvError.UndecodableCommand, _store.Current.Revision);
    }

    /// <inheritdoc/>
    public void BatchApplied(LogIndex last)
    {
        _store.BatchApplied(last);
        Watchers.Notify(_store.Current);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Only of the store: a member keeps the publications of the members that its settings name, so the registry may differ.
    /// </remarks>
    public ulong? StateHash => _store.StateHash;

    /// <inheritdoc/>
    public IStateMachineSnapshot CaptureSnapshot() => new EtcdSnapshot(_members.Published(), _store.CaptureSnapshot());

    /// <inheritdoc/>
    /// <remarks>
    /// <see cref="BatchApplied"/> follows and notifies the watchers, which read the changes since their last ones from the restored
    /// history, or find that they are compacted.
    /// </remarks>
    /// <exception cref="KvSnapshotFormatException">The bytes are no complete snapshot that this build reads.</exception>
    public void RestoreSnapshot(EntryId last, Stream source)
    {
        // The store comes last, and only it can fail once the members have been read: then nothing has changed.
        var members = EtcdSnapshot.ReadMembers(source);
        _store.RestoreSnapshot(last, source);
        _members.Restore(members);
        _leaseDeadlines.OnRestored(_store.Current);
    }
}
