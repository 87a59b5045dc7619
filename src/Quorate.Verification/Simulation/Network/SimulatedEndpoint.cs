using Quorate.Node.Tracing;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Network;

/// <summary>The network endpoint of one process. Messages pass through the real encoder and decoder.</summary>
/// <remarks>
/// There are no connections here and so no handshakes. Instead, the check that a handshake makes is made for every message, at both ends:
/// the sender would have failed to connect, and the receiver would have rejected the connection. And because a connection has two fixed
/// ends, a message to a process on one data directory never reaches a process on another.
/// </remarks>
internal sealed class SimulatedEndpoint(
    SimulatedNetwork network,
    NodeId self,
    SimulatedHandshakes handshakes,
    Action onEffect,
    Action wake,
    TraceWriter? trace) : ITransport
{
    /// <summary>The limit of the receive queue; messages beyond it are dropped, as a full send queue drops them.</summary>
    private const int ReceiveQueueMax = 4096;

    private const int FrameBytesMax = 16 << 20;
    private readonly Queue<(NodeId Peer, SimulatedPacket? Packet)> _receiveQueue = new();
    private readonly WireDecoder _decoder = new();

    /// <summary>The id of this process's data directory.</summary>
    public ulong DirectoryId => handshakes.DirectoryId;

    /// <summary>What this process validates when a peer connects.</summary>
    public SimulatedHandshakes Handshakes => handshakes;

    /// <summary>Makes the process run an iteration.</summary>
    public void Wake() => wake();

    public void SetPeers(IReadOnlyDictionary<NodeId, PeerAddress> peers) => handshakes.SetPeers(peers);

    public void Send(Message message)
    {
        onEffect();
        var receiverDirectory = network.DirectoryOf(message.To);
        if (!handshakes.IsPeer(message.To) || !handshakes.IsKnownDirectory(message.To, receiverDirectory))
            return;
        if (message is RequestVoteReply { Granted: true, PreVote: false })
            network.RecordAnnouncedVote(self, new HardState(message.Term, message.To));
        else if (message is RequestVote { PreVote: false })
            network.RecordAnnouncedVote(self, new HardState(message.Term, self));
        var frame = new byte[WireEncoder.SizeOf(message)];
        WireEncoder.Encode(message, GroupId.First, frame);
        network.Send(self, message.To, new SimulatedPacket(frame, IdInTrace(message), DirectoryId, receiverDirectory));
    }

    /// <summary>Parts of snapshots and state hashes are not effects of the core, and are not traced.</summary>
    private long IdInTrace(Message message) =>
        message is FetchSnapshot or FetchSnapshotReply or StateHashReport ? 0 : trace?.DequeueMessageId(self) ?? 0;

    public void Flush() => onEffect();

    public bool TryReceive(out ReceivedEvent received)
    {
        received = default;
        (NodeId Peer, SimulatedPacket? Packet) arrival;
        do
        {
            if (!_receiveQueue.TryDequeue(out arrival))
                return false;
        }
        while (arrival.Packet is { } arrived
            ? !handshakes.Accepts(arrival.Peer, arrived.SenderDirectory)
            : !handshakes.IsPeer(arrival.Peer));

        if (arrival.Packet is not { Frame: var frame } packet)
        {
            received = ReceivedEvent.OfDisconnect(arrival.Peer);
            return true;
        }

        trace?.SetReceivedMessageId(self, packet.TraceId);
        var header = WireFrame.ReadHeader(frame, FrameBytesMax);
        Invariant.That(header.Group == GroupId.First, "every message is of the group of the simulated cluster");
        var body = frame.AsMemory(WireFrame.HeaderBytes);
        WireFrame.CheckBody(header, body.Span);
        Invariant.That(_decoder.TryDecode(header.Kind, body, out var message), "every encoded message can be decoded");
        received = ReceivedEvent.OfMessage(arrival.Peer, message);
        return true;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Queues a packet for this process; null stands for a connection closed by the peer.</summary>
    public void Enqueue(NodeId peer, SimulatedPacket? packet)
    {
        if (_receiveQueue.Count >= ReceiveQueueMax)
            return;
        _receiveQueue.Enqueue((peer, packet));
        wake();
    }
}

/// <summary>
/// A message in flight: its bytes, its id in the trace, if one is written, and the ids of the data directories at both ends.
/// </summary>
internal sealed record SimulatedPacket(byte[] Frame, long TraceId, ulong SenderDirectory, ulong ReceiverDirectory);
