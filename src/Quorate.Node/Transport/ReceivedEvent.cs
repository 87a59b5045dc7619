using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>What a transport has received: a message, or the end of a peer's connection.</summary>
public readonly record struct ReceivedEvent
{
    /// <summary>The kind of the event.</summary>
    public ReceivedEventKind Kind { get; private init; }

    /// <summary>The peer that sent the message or closed the connection.</summary>
    public NodeId Peer { get; private init; }

    /// <summary>The message if the kind is <see cref="ReceivedEventKind.Message"/>; else null.</summary>
    public Message? Message { get; private init; }

    /// <summary>A message was received.</summary>
    /// <param name="peer">The peer that sent it, as the transport has identified it.</param>
    /// <param name="message">The message; its sender is <paramref name="peer"/>.</param>
    public static ReceivedEvent OfMessage(NodeId peer, Message message) =>
        new() { Kind = ReceivedEventKind.Message, Peer = peer, Message = message };

    /// <summary>A peer closed its connection to this node.</summary>
    public static ReceivedEvent OfDisconnect(NodeId peer) => new() { Kind = ReceivedEventKind.Disconnected, Peer = peer };
}
