using Quorate.Node.Snapshots;
using Quorate.Node.Threading;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// Fetches a snapshot from another member, part by part, when the leader no longer has the entries that this member lacks.
/// </summary>
/// <remarks>
/// <code>
///            needed                  located                 all parts written            durable
///   Idle ─────────────► Locating ─────────────► Receiving ──────────────────► Completing ─────────────────────► Idle, to the core
///                          ▲                       │ no answer, no such file, not what was written: the next member
///                          └───────────────────────┘
/// </code>
/// This side requests each part, so it bounds the memory of both sides and the load of the link: what was requested and is not yet written
/// is at most <see cref="SnapshotPolicy.WindowBytes"/>. A part that is lost is requested again; a member that does not answer is replaced
/// by the next. What was written stays on the disk: after a lost connection, another leader or a restart the reception continues, if a
/// member still has the same file. Threading: the driver calls; the file is written on the worker.
/// </remarks>
internal sealed class SnapshotReceiver
{
    /// <summary>The silences of a member after which the next one is tried.</summary>
    private const int TimeoutsMax = 2;

    private readonly NodeId _self;
    private NodeId[] _peers = [];
    private readonly SnapshotStore _store;
    private readonly SnapshotPolicy _policy;
    private readonly ClusterFeatures _features;
    private readonly int _timeoutTicks;
    private readonly long _bytesPerTick;
    private readonly WorkerTask _task;
    private readonly FetchSnapshot _request = new();
    private readonly List<ReadOnlyMemory<byte>> _unwritten = [];

    private ReceiverState _state;
    private NodeId _source;
    private EntryId _atLeast;
    private SnapshotReception? _reception;
    private long _requestedTo;
    private long _receivedTo;
    private long _writtenTo;
    private long _budget;
    private int _ticksSinceNeeded;
    private int _ticksSinceProgress;
    private int _timeouts;
    private bool _isLocateSent;
    private EntryId? _received;

    public SnapshotReceiver(
        NodeId self, SnapshotStore store, SnapshotPolicy policy, ClusterFeatures features,
        IWorker worker, ILoop loop, int timeoutTicks, TimeSpan tick)
    {
        (_self, _store, _policy, _features, _timeoutTicks) = (self, store, policy, features, timeoutTicks);
        _task = new WorkerTask(worker, loop);
        _bytesPerTick = policy.BytesPerSecond == 0 ? long.MaxValue : Math.Max(1, (long)(policy.BytesPerSecond * tick.TotalSeconds));
        _budget = _bytesPerTick;
    }

    private enum ReceiverState
    {
        Idle,
        Locating,
        Receiving,
        Completing,
    }

    /// <summary>Replaces the members that may have a snapshot.</summary>
    public void SetPeers(NodeId[] peers) => _peers = peers;

    /// <summary>The core needs a snapshot. Repeated while it does.</summary>
    public void OnNeeded(in NeededSnapshot needed)
    {
        _ticksSinceNeeded = 0;
        _atLeast = needed.AtLeast;
        if (_state == ReceiverState.Idle)
            Locate(needed.Leader);
        else if (_state == ReceiverState.Receiving && _reception is { } reception && reception.Id.Last.Index < needed.AtLeast.Index)
            Locate(needed.Leader);
    }

    public void OnTick()
    {
        if (_bytesPerTick != long.MaxValue)
            _budget = Math.Min(_budget + _bytesPerTick, Math.Max(_policy.WindowBytes, _bytesPerTick));
        if (_state == ReceiverState.Idle)
            return;
        if (++_ticksSinceNeeded > 5 * _timeoutTicks && _state != ReceiverState.Completing)
        {
            // The leader has not repeated that a snapshot is needed. What was written stays for the next time.
            _state = ReceiverState.Idle;
            return;
        }

        if (_state == ReceiverState.Completing || _task.IsBusy || ++_ticksSinceProgress <= _timeoutTicks)
            return;
        if (++_timeouts >= TimeoutsMax)
            Locate(NextSource());
        else
            RepeatRequests();
    }

    public void OnReply(FetchSnapshotReply reply)
    {
        if (reply.From != _source)
            return;
        if (_state == ReceiverState.Locating)
            OnLocated(reply);
        else if (_state == ReceiverState.Receiving)
            OnPart(reply);
    }

    /// <summary>Writes what has arrived and requests what fits into the window. Returns true once when a snapshot is durable.</summary>
    public bool Run(Action<Message> send, out EntryId received)
    {
        _task.TryComplete();
        if (!_task.IsBusy)
        {
            if (_unwritten.Count > 0)
                Write();
            else if (_state == ReceiverState.Receiving && _reception is { } reception && _writtenTo == reception.Id.FileBytes)
                Complete(reception);
        }

        SendRequests(send);
        received = _received ?? EntryId.Zero;
        _received = null;
        return received != EntryId.Zero;
    }

    private NodeId NextSource()
    {
        var next = Array.IndexOf(_peers, _source) + 1;
        return _peers.Length == 0 ? _source : _peers[next % _peers.Length];
    }

    private void Locate(NodeId source)
    {
        _state = ReceiverState.Locating;
        _source = source;
        _unwritten.Clear();
        _timeouts = 0;
        RepeatRequests();
    }

    private void RepeatRequests()
    {
        _requestedTo = _receivedTo;
        _ticksSinceProgress = 0;
        _isLocateSent = false;
    }

    private void SendRequests(Action<Message> send)
    {
        if (_state == ReceiverState.Locating && !_isLocateSent && !_task.IsBusy)
        {
            _isLocateSent = true;
            Send(send, new SnapshotId(_atLeast, 0, 0), offset: 0, length: 1);
            return;
        }

        if (_state != ReceiverState.Receiving || _reception is not { } reception)
            return;
        while (_requestedTo < reception.Id.FileBytes && _budget > 0)
        {
            var length = (int)Math.Min(_policy.PartBytes, reception.Id.FileBytes - _requestedTo);
            if (_requestedTo > _writtenTo && _requestedTo + length - _writtenTo > _policy.WindowBytes)
                break;
            Send(send, reception.Id, _requestedTo, length);
            _requestedTo += length;
            if (_bytesPerTick != long.MaxValue)
                _budget -= length;
        }
    }

    private void Send(Action<Message> send, in SnapshotId id, long offset, int length)
    {
        (_request.From, _request.To, _request.Offset, _request.Length) = (_self, _source, offset, length);
        (_request.Last, _request.Nonce, _request.FileBytes) = (id.Last, id.Nonce, id.FileBytes);
        send(_request);
    }

    private void OnLocated(FetchSnapshotReply reply)
    {
        if (_task.IsBusy)
            return;
        if (reply.FileBytes == 0 || reply.Last.Index < _atLeast.Index)
        {
            // It has no such snapshot; the next member is tried when this one would have been silent for too long.
            _timeouts = TimeoutsMax;
            return;
        }

        var id = new SnapshotId(reply.Last, reply.Nonce, reply.FileBytes);
        _ticksSinceProgress = 0;
        if (_reception is { } current && current.Id == id)
        {
            StartReceiving(_writtenTo);
            return;
        }

        _reception = null;
        _task.Start(
            () => _store.BeginReceive(id),
            (result, failure) =>
            {
                if (failure is not null)
                {
                    _state = ReceiverState.Idle;
                    return;
                }

                _reception = (SnapshotReception)result!;
                _writtenTo = _reception.Offset;
                if (_state == ReceiverState.Locating)
                    StartReceiving(_writtenTo);
            });
    }

    private void StartReceiving(long from)
    {
        _state = ReceiverState.Receiving;
        _receivedTo = _requestedTo = from;
        (_ticksSinceProgress, _timeouts) = (0, 0);
    }

    private void OnPart(FetchSnapshotReply reply)
    {
        var id = _reception!.Id;
        if (reply.FileBytes == 0 && reply.Last == id.Last && reply.Nonce == id.Nonce)
        {
            Locate(_source);
            return;
        }

        // A part that follows a lost one is dropped: it is requested again with the lost one. So is one that was not requested: what waits
        // to be written stays within the window.
        if (reply.Last != id.Last || reply.Nonce != id.Nonce || reply.FileBytes != id.FileBytes
            || reply.Offset != _receivedTo || reply.Bytes.IsEmpty || _receivedTo + reply.Bytes.Length > _requestedTo)
        {
            return;
        }

        _unwritten.Add(reply.Bytes);
        _receivedTo += reply.Bytes.Length;
        (_ticksSinceProgress, _timeouts) = (0, 0);
    }

    private void Write()
    {
        var (reception, parts, from) = (_reception!, _unwritten.ToArray(), _writtenTo);
        _unwritten.Clear();
        _task.Start(
            () =>
            {
                var at = from;
                foreach (var part in parts)
                {
                    reception.Write(at, part.Span);
                    at += part.Length;
                }

                return at;
            },
            (result, failure) =>
            {
                if (failure is not null)
                    OnWriteFailed(failure);
                else if (_reception == reception)
                    _writtenTo = (long)result!;
            });
    }

    private void Complete(SnapshotReception reception)
    {
        _state = ReceiverState.Completing;
        _reception = null;
        _task.Start(
            () =>
            {
                // First, so that a build that does not know snapshots never finds one, or a log that one has replaced.
                _features.Record(reception.ClusterVersion);
                return reception.Complete();
            },
            (result, failure) =>
            {
                _state = ReceiverState.Idle;
                if (failure is null)
                    _received = ((SnapshotInfo)result!).Last;
            });
    }

    /// <summary>
    /// Ends a reception: another member's file may be sound, or the disk is full. The latter is tried again while the snapshot is needed.
    /// </summary>
    private void OnWriteFailed(IOException failure)
    {
        _reception = null;
        _unwritten.Clear();
        if (failure is SnapshotCorruptionException)
            Locate(NextSource());
        else
            _state = ReceiverState.Idle;
    }
}
