using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Verification.Tracing;

namespace Quorate.Verification.Simulation.Network;

/// <summary>One process's end of the network. Messages are written and read by the real encoder and decoder.</summary>
/// <remarks>
/// There are no connections here, and so no handshakes: what a handshake refuses is refused of every message, by the sender who would not have
/// dialled through and by the receiver who would not have let it in; and as a connection has two ends, what was said to one folder's process never reaches another's.
/// </remarks>
internal sealed class Endpoint(SimulatedNetwork network, NodeId self, ulong incarnation, Func<NodeId, ulong, bool> isKnownIncarnation, Action onEffect, Action wake, TraceWriter? trace) : INetwork
{
    /// <summary>What waits here at most; beyond it the peer's messages are dropped, as a full send queue does.</summary>
    private const int ReceiveQueueMax = 4096;

    private const int FrameBytesMax = 16 << 20;
    private readonly Queue<(NodeId Peer, Packet? Packet)> _receiveQueue = new();
    private readonly WireDecoder _decoder = new();

    /// <summary>Of the folder of this process.</summary>
    public ulong Incarnation => incarnation;

    /// <summary>The number, in the trace, of the message that was received last.</summary>
    public long LastReceivedId { get; private set; }

    public void Send(Message message)
    {
        onEffect();
        var receiverIncarnation = network.IncarnationOf(message.To);
        if (!isKnownIncarnation(message.To, receiverIncarnation))
            return;
        if (message is RequestVoteReply { Granted: true, PreVote: false })
            network.RecordAnnouncedVote(self, new HardState(message.Term, message.To));
        else if (message is RequestVote { PreVote: false })
            network.RecordAnnouncedVote(self, new HardState(message.Term, self));
        var frame = new byte[WireEncoder.SizeOf(message)];
        WireEncoder.Encode(message, frame);
        network.Send(self, message.To, new Packet(frame, trace?.DequeueMessageId(self) ?? 0, incarnation, receiverIncarnation));
    }

    public void Flush() => onEffect();

    public bool TryReceive(out NetworkEvent received)
    {
        received = default;
        (NodeId Peer, Packet? Packet) arrival;
        do
        {
            if (!_receiveQueue.TryDequeue(out arrival))
                return false;
        }
        while (arrival.Packet is { } arrived && !isKnownIncarnation(arrival.Peer, arrived.SenderIncarnation));

        if (arrival.Packet is not { Frame: var frame } packet)
        {
            received = new NetworkEvent(NetworkEventKind.Disconnected, arrival.Peer, null);
            return true;
        }

        LastReceivedId = packet.TraceId;
        var header = WireFrame.ReadHeader(frame, FrameBytesMax);
        var body = frame.AsMemory(WireFrame.HeaderBytes);
        WireFrame.CheckBody(header, body.Span);
        Invariant.That(_decoder.TryDecode(header.Kind, body, out var message), "what we encode we can decode");
        received = new NetworkEvent(NetworkEventKind.Message, arrival.Peer, message);
        return true;
    }

    /// <summary>A frame has come, or the news that the peer closed its connection.</summary>
    public void Enqueue(NodeId peer, Packet? packet)
    {
        if (_receiveQueue.Count >= ReceiveQueueMax)
            return;
        _receiveQueue.Enqueue((peer, packet));
        wake();
    }
}

/// <summary>A message on its way: its bytes, its number in the trace, if one is written, and the incarnations of the folders at both ends.</summary>
internal sealed record Packet(byte[] Frame, long TraceId, ulong SenderIncarnation, ulong ReceiverIncarnation);
