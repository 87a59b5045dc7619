using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Network;

/// <summary>One process's end of the network. Messages are written and read by the real encoder and decoder.</summary>
internal sealed class Endpoint(SimulatedNetwork network, NodeId self, Action effect, Action wake) : INetwork
{
    /// <summary>What waits here at most; beyond it the peer's messages are dropped, as a full send queue does.</summary>
    private const int WaitingMax = 4096;

    private const int FrameBytesMax = 16 << 20;
    private readonly Queue<(NodeId Peer, byte[]? Frame)> _arrived = new();
    private readonly WireDecoder _decoder = new();

    public void Send(Message message)
    {
        effect();
        var frame = new byte[WireEncoder.SizeOf(message)];
        WireEncoder.Encode(message, frame);
        network.Send(self, message.To, frame);
    }

    public void Flush() => effect();

    public bool TryReceive(out NetworkEvent received)
    {
        received = default;
        if (!_arrived.TryDequeue(out var arrival))
            return false;
        if (arrival.Frame is not { } frame)
        {
            received = new NetworkEvent(NetworkEventKind.Disconnected, arrival.Peer, null);
            return true;
        }

        var header = WireFrame.ReadHeader(frame, FrameBytesMax);
        var body = frame.AsMemory(WireFrame.HeaderBytes);
        WireFrame.CheckBody(header, body.Span);
        Invariant.That(_decoder.TryDecode(header.Kind, body, out var message), "what we encode we can decode");
        received = new NetworkEvent(NetworkEventKind.Message, arrival.Peer, message);
        return true;
    }

    /// <summary>A frame has come, or the news that the peer closed its connection.</summary>
    public void Arrive(NodeId peer, byte[]? frame)
    {
        if (_arrived.Count >= WaitingMax)
            return;
        _arrived.Enqueue((peer, frame));
        wake();
    }
}
