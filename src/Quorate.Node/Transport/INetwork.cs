using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The driver's interface to the network: sends messages to peers and receives events.</summary>
/// <remarks>
/// Threading: only the driver calls <see cref="Send"/>, <see cref="Flush"/> and <see cref="TryReceive"/>, on one thread at a time; they
/// never block.
/// <see cref="TcpNetwork"/> implements it with sockets; the simulator's implementation loses, duplicates and delays messages and closes
/// connections.
/// </remarks>
public interface INetwork
{
    /// <summary>
    /// Queues a message for <see cref="Message.To"/>. The message is encoded before this method returns, so the caller may reuse the
    /// message. If the peer's queue is full or the peer is not connected, the whole message is dropped and counted: Raft sends it again.
    /// </summary>
    void Send(Message message);

    /// <summary>
    /// Starts to transmit all queued messages. The driver calls it once in each iteration, so that one write carries many messages.
    /// </summary>
    void Flush();

    /// <summary>Receives the next event, if there is one.</summary>
    /// <remarks>
    /// Lifetime: <see cref="NetworkEvent.Message"/> is valid until the next call. The payloads of its entries stay valid: their memory is
    /// not reused.
    /// </remarks>
    bool TryReceive(out NetworkEvent received);
}

/// <summary>A network event for the driver.</summary>
/// <param name="Kind">The kind of the event.</param>
/// <param name="Peer">The peer that sent the message or closed the connection.</param>
/// <param name="Message">The message if the kind is <see cref="NetworkEventKind.Message"/>; else null.</param>
public readonly record struct NetworkEvent(NetworkEventKind Kind, NodeId Peer, Message? Message);

/// <summary>The kinds of <see cref="NetworkEvent"/>.</summary>
public enum NetworkEventKind : byte
{
    /// <summary>A message from the peer was received.</summary>
    Message = 1,

    /// <summary>The peer closed its connection to this node. Its process may have ended, but may also still be running.</summary>
    Disconnected = 2,
}
