using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Tests.Conformance;

/// <summary>A transport within one process: a message goes from the sender directly into the receiver's queue for that sender.</summary>
internal sealed class InMemoryTransport : ITransport
{
    private readonly Lock _gate = new();
    private readonly InMemoryNetwork _network;
    private readonly TransportStartContext _context;
    private readonly MessageCodec _codec;
    private readonly long _queuedBytesMax;
    private readonly List<(NodeId To, byte[] Frame)> _unflushed = [];
    private readonly SortedDictionary<NodeId, ReceivingPeer> _peers = [];
    private bool _disposed;

    public InMemoryTransport(InMemoryNetwork network, TransportStartContext context, long queuedBytesMax)
    {
        (_network, _context, _queuedBytesMax) = (network, context, queuedBytesMax);
        _codec = new MessageCodec(context.Group, context.MaxFrameBytes);
        foreach (var peer in context.Peers.Keys)
            _peers.Add(peer, new ReceivingPeer());
        network.Add(context.ListenEndPoints[0], this);
    }

    public TransportCounters Counters
    {
        get
        {
            lock (_gate)
                return new() { Peers = [.. _peers.Select(static peer => peer.Value.Counters(peer.Key))] };
        }
    }

    public void Send(Message message)
    {
        if (message.To == _context.NodeId || message.From != _context.NodeId)
            throw new InvalidOperationException($"{message} is not from this node {_context.NodeId} to another node");
        var frame = new byte[MessageCodec.SizeOf(message)];
        _codec.Encode(message, frame);
        _unflushed.Add((message.To, frame));
    }

    public void Flush()
    {
        foreach (var (to, frame) in _unflushed)
        {
            if (Connect(to)?.TryEnqueue(_context.NodeId, frame) != true)
                OnDropped(to);
        }

        _unflushed.Clear();
    }

    public bool TryReceive(out ReceivedEvent received)
    {
        received = default;
        lock (_gate)
        {
            foreach (var (id, peer) in _peers)
            {
                if (_disposed || !peer.Frames.TryDequeue(out var frame))
                    continue;
                peer.Bytes -= frame.Length;
                if (!_codec.TryDecode(frame, out var message))
                    continue;
                received = ReceivedEvent.OfMessage(id, message);
                return true;
            }

            return false;
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
                return ValueTask.CompletedTask;
            _disposed = true;
        }

        _network.Remove(_context.ListenEndPoints[0]);
        return ValueTask.CompletedTask;
    }

    /// <summary>Finds the receiver of a message, and does what the handshake of a network does.</summary>
    private InMemoryTransport? Connect(NodeId to) =>
        !_disposed && _context.Peers.TryGetValue(to, out var address) && _network.Find(address) is { } peer
        && peer._context.ClusterId == _context.ClusterId
        && _context.TryRecordDirectory(to, peer._context.DirectoryId)
        && peer._context.TryRecordDirectory(_context.NodeId, _context.DirectoryId)
            ? peer
            : null;

    private bool TryEnqueue(NodeId from, byte[] frame)
    {
        lock (_gate)
        {
            if (_disposed || !_peers.TryGetValue(from, out var peer) || peer.Bytes + frame.Length > _queuedBytesMax)
                return false;
            peer.Frames.Enqueue(frame);
            peer.Bytes += frame.Length;
        }

        _context.OnReady();
        return true;
    }

    private void OnDropped(NodeId to)
    {
        lock (_gate)
        {
            if (_peers.TryGetValue(to, out var peer))
                peer.Dropped++;
        }
    }

    private sealed class ReceivingPeer
    {
        public Queue<byte[]> Frames { get; } = new();

        public long Bytes { get; set; }

        public long Dropped { get; set; }

        public PeerCounters Counters(NodeId id) => new() { Peer = id, DroppedMessages = Dropped, ReceiveQueueBytes = Bytes };
    }
}
