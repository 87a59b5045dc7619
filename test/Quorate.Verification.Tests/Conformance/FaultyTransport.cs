using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Tests.Conformance;

/// <summary>A right transport behind a wrapper that does one thing wrong.</summary>
internal sealed class FaultyTransport : ITransport
{
    private readonly TransportFault _fault;
    private readonly InMemoryTransport _inner;
    private readonly TransportStartContext _context;
    private readonly List<Action> _disposedSignals;
    private readonly List<Message> _delayed = [];
    private readonly Queue<(NodeId Peer, Message Message)> _afterDispose = new();
    private readonly HashSet<NodeId> _abandoned = [];
    private readonly byte[] _payload = new byte[1 << 20];
    private int _sent;
    private int _signals;
    private bool _disposed;

    /// <param name="network">The network.</param>
    /// <param name="context">The context of the right transport.</param>
    /// <param name="fault">What the transport does wrong.</param>
    /// <param name="disposedSignals">The signals of the disposed transports of the network.</param>
    public FaultyTransport(InMemoryNetwork network, TransportStartContext context, TransportFault fault, List<Action> disposedSignals)
    {
        (_fault, _context, _disposedSignals) = (fault, context, disposedSignals);
        _inner = new InMemoryTransport(
            network,
            context with
            {
                ClusterId = fault == TransportFault.IgnoresClusters ? 0 : context.ClusterId,
                OnReady = Signal,
                TryRecordDirectory = (peer, directory) =>
                    context.TryRecordDirectory(peer, directory) || fault == TransportFault.IgnoresDirectories,
            },
            fault == TransportFault.HasUnboundedQueues ? long.MaxValue : 16 << 20);
    }

    public TransportCounters Counters => _fault == TransportFault.CountsNoDrops ? new() : _inner.Counters;

    public void Send(Message message)
    {
        _sent++;
        switch (_fault)
        {
            case TransportFault.ChangesMessages when message is AppendEntriesReply reply:
                reply.Index += 1;
                _inner.Send(reply);
                reply.Index -= 1;
                break;

            case TransportFault.KeepsTheMessageObject:
                _delayed.Add(message);
                break;

            case TransportFault.OvertakesMessages when message is ReadIndexRequest { ReadId: > 1_000_000 } request && _sent % 10 == 0:
                _delayed.Add(new ReadIndexRequest { From = request.From, To = request.To, Term = request.Term, ReadId = request.ReadId });
                break;

            case TransportFault.DuplicatesMessages when _sent % 10 == 0:
                _inner.Send(message);
                _inner.Send(message);
                break;

            case TransportFault.BlocksInSend:
                var before = Dropped(message.To);
                do
                {
                    before = Dropped(message.To);
                    _inner.Send(message);
                    _inner.Flush();
                }
                while (Dropped(message.To) > before && !Volatile.Read(ref _disposed) && _context.Peers.ContainsKey(message.To));
                break;

            case TransportFault.BlocksAllPeers when _context.Peers.Keys.Any(peer => Dropped(peer) > 0):
                break;

            case TransportFault.ThrowsForUnreachablePeers:
                var dropped = Dropped(message.To);
                _inner.Send(message);
                _inner.Flush();
                if (Dropped(message.To) > dropped)
                    throw new IOException($"member {message.To} cannot be reached");
                break;

            case TransportFault.DoesNotReconnect:
                if (_abandoned.Contains(message.To))
                    break;
                _inner.Send(message);
                _inner.Flush();
                if (Dropped(message.To) > 0)
                    _abandoned.Add(message.To);
                break;

            case TransportFault.SendsForOthers when message.From != _context.NodeId || message.To == _context.NodeId:
                break;

            default:
                _inner.Send(message);
                break;
        }
    }

    public void Flush()
    {
        if (_fault == TransportFault.OvertakesMessages)
            _inner.Flush();
        foreach (var message in _delayed)
            _inner.Send(message);
        _delayed.Clear();
        _inner.Flush();
    }

    public bool TryReceive(out ReceivedEvent received)
    {
        if (_disposed && _afterDispose.TryDequeue(out var late))
        {
            received = ReceivedEvent.OfMessage(late.Peer, late.Message);
            return true;
        }

        if (!_inner.TryReceive(out received))
            return false;
        if (_fault == TransportFault.ReusesPayloadMemory && received.Message is AppendEntries { Entries.Length: 1 } append)
        {
            var entry = append.Entries.Span[0];
            var payload = _payload.AsMemory(0, entry.Payload.Length);
            entry.Payload.CopyTo(payload);
            append.Entries = new LogEntry[] { new(entry.Id, entry.Kind, entry.Proposal, payload) };
        }

        return true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        while (_fault == TransportFault.DeliversAfterDispose && _inner.TryReceive(out var received))
            _afterDispose.Enqueue((received.Peer, new ReadIndexRequest { From = received.Peer, To = _context.NodeId }));
        Volatile.Write(ref _disposed, true);
        if (_fault == TransportFault.SignalsAfterDispose)
            _disposedSignals.Add(_context.OnReady);
        await _inner.DisposeAsync();
    }

    private void Signal()
    {
        _disposedSignals.ForEach(static signal => signal());
        if (_fault != TransportFault.SkipsSignals || ++_signals % 10 != 0)
            _context.OnReady();
    }

    private long Dropped(NodeId peer) => _inner.Counters.Peers.SingleOrDefault(counters => counters.Peer == peer)?.DroppedMessages ?? 0;
}
