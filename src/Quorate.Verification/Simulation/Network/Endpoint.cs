using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Verification.Tracing;

namespace Quorate.Verification.Simulation.Network;

/// <summary>One process's end of the network. Messages are written and read by the real encoder and decoder.</summary>
/// <remarks>
/// There are no connections here, and so no handshakes: what a handshake refuses is refused of every message, by the sender who would not have
/// dialled through and by the receiver who would not have let it in; and as a connection has two ends, what was said to one folder's process never reaches another's.
/// </remarks>
internal sealed class Endpoint(SimulatedNetwork network, NodeId self, ulong incarnation, Func<NodeId, ulong, bool> meets, Action effect, Action wake, TraceWriter? trace) : INetwork
{
    /// <summary>What waits here at most; beyond it the peer's messages are dropped, as a full send queue does.</summary>
    private const int WaitingMax = 4096;

    private const int FrameBytesMax = 16 << 20;
    private readonly Queue<(NodeId Peer, Packet? Packet)> _arrived = new();
    private readonly WireDecoder _decoder = new();

    /// <summary>Of the folder of this process.</summary>
    public ulong Incarnation => incarnation;

    /// <summary>The number, in the trace, of the message that was received last.</summary>
    public long Received { get; private set; }

    public void Send(Message message)
    {
        effect();
        var addressee = network.IncarnationOf(message.To);
        if (!meets(message.To, addressee))
            return;
        if (message is RequestVoteReply { Granted: true, PreVote: false })
            network.TellVote(self, new HardState(message.Term, message.To));
        else if (message is RequestVote { PreVote: false })
            network.TellVote(self, new HardState(message.Term, self));
        var frame = new byte[WireEncoder.SizeOf(message)];
        WireEncoder.Encode(message, frame);
        network.Send(self, message.To, new Packet(frame, trace?.DequeueMessageId(self) ?? 0, incarnation, addressee));
    }

    public void Flush() => effect();

    public bool TryReceive(out NetworkEvent received)
    {
        received = default;
        (NodeId Peer, Packet? Packet) arrival;
        do
        {
            if (!_arrived.TryDequeue(out arrival))
                return false;
        }
        while (arrival.Packet is { } came && !meets(arrival.Peer, came.Incarnation));

        if (arrival.Packet is not { Frame: var frame } packet)
        {
            received = new NetworkEvent(NetworkEventKind.Disconnected, arrival.Peer, null);
            return true;
        }

        Received = packet.Id;
        var header = WireFrame.ReadHeader(frame, FrameBytesMax);
        var body = frame.AsMemory(WireFrame.HeaderBytes);
        WireFrame.CheckBody(header, body.Span);
        Invariant.That(_decoder.TryDecode(header.Kind, body, out var message), "what we encode we can decode");
        received = new NetworkEvent(NetworkEventKind.Message, arrival.Peer, message);
        return true;
    }

    /// <summary>A frame has come, or the news that the peer closed its connection.</summary>
    public void Arrive(NodeId peer, Packet? packet)
    {
        if (_arrived.Count >= WaitingMax)
            return;
        _arrived.Enqueue((peer, packet));
        wake();
    }
}

/// <summary>A message on its way: its bytes, its number in the trace, if one is written, and the incarnations of the folders at both ends.</summary>
internal sealed record Packet(byte[] Frame, long Id, ulong Incarnation, ulong Addressee);
