using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The network as the group loop sees it: hand messages over, take what has come.</summary>
/// <remarks>
/// Threading: <see cref="Send"/>, <see cref="Flush"/> and <see cref="TryReceive"/> are called by the loop alone, by one thread at a time, and never wait.
/// Production gives it sockets; the simulator loses, repeats, delays and cuts.
/// </remarks>
public interface INetwork
{
    /// <summary>
    /// Takes a message for <see cref="Message.To"/>. It is encoded before this returns, so the caller may change it afterwards. If the peer's queue
    /// is full or it is not connected, the whole message is dropped and counted: Raft sends again.
    /// </summary>
    void Send(Message message);

    /// <summary>Everything sent so far may go on its way; called once a turn, so that one write carries many messages.</summary>
    void Flush();

    /// <summary>Takes the next thing that has arrived, if there is one.</summary>
    /// <remarks>
    /// Lifetime: <see cref="NetworkEvent.Message"/> is good until the next call; entries' payloads in it stay good for as long as they are referred to.
    /// </remarks>
    bool TryReceive(out NetworkEvent received);
}

/// <summary>What the network tells the loop.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Peer">With whom.</param>
/// <param name="Message">For <see cref="NetworkEventKind.Message"/>, what was said; else null.</param>
public readonly record struct NetworkEvent(NetworkEventKind Kind, NodeId Peer, Message? Message);

/// <summary>The kinds of <see cref="NetworkEvent"/>.</summary>
public enum NetworkEventKind : byte
{
    /// <summary>A peer said something.</summary>
    Message = 1,

    /// <summary>A peer's connection to us was closed by its side: its process may be gone. A hint, never a proof.</summary>
    Disconnected = 2,
}
