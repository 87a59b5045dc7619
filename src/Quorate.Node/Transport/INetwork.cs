using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The network as the driver sees it: sends messages and receives events.</summary>
/// <remarks>
/// Threading: only the driver calls <see cref="Send"/>, <see cref="Flush"/> and <see cref="TryReceive"/>, on one thread at a time; they
/// never block.
/// Production uses sockets; the simulator loses, duplicates, delays and disconnects.
/// </remarks>
public interface INetwork
{
    /// <summary>
    /// Queues a message for <see cref="Message.To"/>. The message is encoded before this returns, so the caller may change it afterwards.
    /// If the peer's queue is full or the peer is not connected, the whole message is dropped and counted: Raft sends it again.
    /// </summary>
    void Send(Message message);

    /// <summary>
    /// Starts to transmit everything queued so far. Called once in each iteration, so that one write carries many messages.
    /// </summary>
    void Flush();

    /// <summary>Receives the next event, if there is one.</summary>
    /// <remarks>
    /// Lifetime: <see cref="NetworkEvent.Message"/> is valid until the next call; payloads of entries in it stay valid as long as they are
    /// referenced.
    /// </remarks>
    bool TryReceive(out NetworkEvent received);
}

/// <summary>A network event for the driver.</summary>
/// <param name="Kind">The kind of the event.</param>
/// <param name="Peer">The peer.</param>
/// <param name="Message">The message if the kind is <see cref="NetworkEventKind.Message"/>; else null.</param>
public readonly record struct NetworkEvent(NetworkEventKind Kind, NodeId Peer, Message? Message);

/// <summary>The kinds of <see cref="NetworkEvent"/>.</summary>
public enum NetworkEventKind : byte
{
    /// <summary>A message of the peer was received.</summary>
    Message = 1,

    /// <summary>The peer closed its connection to this node: its process may have ended. A hint, never a proof.</summary>
    Disconnected = 2,
}
