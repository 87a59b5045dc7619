using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Verification.Tracing;

namespace Quorate.Verification.Simulation.Network;

/// <summary>One process's end of the network. Messages are written and read by the real encoder and decoder.</summary>
internal sealed class Endpoint(SimulatedNetwork network, NodeId self, Action effect, Action wake, TraceWriter? trace) : INetwork
{
    /// <summary>What waits here at most; beyond it the peer's messages are dropped, as a full send queue does.</summary>
    private const int WaitingMax = 4096;

    private const int FrameBytesMax = 16 << 20;
    private readonly Queue<(NodeId Peer, Packet? Packet)> _arrived = new();
    private readonly WireDecoder _decoder = new();

    /// <summary>The number, in the trace, of the message that was received last.</summary>
    public long Received { get; private set; }

    public void Send(Message message)
    {
        effect();
        var frame = new byte[WireEncoder.SizeOf(message)];
        WireEncoder.Encode(message, frame);
        network.Send(self, message.To, new Packet(frame, trace?.TakeMessageId(self) ?? 0));
    }

    public void Flush() => effect();

    public bool TryReceive(out NetworkEvent received)
    {
        received = default;
        if (!_arrived.TryDequeue(out var arrival))
            return false;
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

/// <summary>A message on its way: its bytes, and its number in the trace, if one is written.</summary>
internal sealed record Packet(byte[] Frame, long Id);
