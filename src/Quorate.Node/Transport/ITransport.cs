using System.Net;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>
/// Carries messages between the members of a cluster. <see cref="RaftNodeOptions.TransportFactory"/> replaces the default, which is TCP.
/// </summary>
/// <remarks>
/// Threading: the driver calls <see cref="Send"/>, <see cref="Flush"/> and <see cref="TryReceive"/>, one call at a time, on changing
/// threads. None of them may block or wait for a peer. All other members may be called from any thread.
/// <para>
/// Delivery: a message may be lost at any time; Raft sends again what it still needs. A message that arrives is the message that was
/// sent, arrives at the node in <see cref="Message.To"/>, and at most once. The messages of one sender arrive in the order in which it
/// sent them, with gaps where messages were lost. (Raft stays correct when messages are duplicated or overtake each other, but takes an
/// overtaken message for a lost one, and is slow.) After a loss, later messages must arrive again: a transport reconnects by itself, as
/// long as it runs.
/// </para>
/// <para>
/// Bounds: whatever waits to be sent or received is bounded. When a bound is reached, whole messages are dropped and counted in <see
/// cref="PeerCounters.DroppedMessages"/>, or the transport stops reading from that peer. A peer that sends much, or receives nothing, must
/// not hold up the other peers.
/// </para>
/// <para>
/// Identity: nothing of a peer may be delivered, and nothing sent to it, unless it belongs to the same cluster and <see
/// cref="TransportStartContext.TryRecordDirectory"/> has accepted the id of its data directory. Otherwise a member that has lost its
/// votes could vote twice.
/// </para>
/// <para>
/// Errors: <see cref="Send"/> and <see cref="Flush"/> do not throw for a peer or a network that does not work. An exception that <see
/// cref="TryReceive"/> throws stops the node.
/// </para>
/// <para>
/// Verification: <c>TransportConformance</c> in the package Quorate.Verification runs these rules against an implementation.
/// </para>
/// </remarks>
public interface ITransport : IAsyncDisposable
{
    /// <summary>The end points on which the transport listens, with the ports that the system chose; empty if it has none.</summary>
    IReadOnlyList<IPEndPoint> ListenEndPoints => [];

    /// <summary>The current counters.</summary>
    TransportCounters Counters => new();

    /// <summary>
    /// Replaces the peer set: connects to new peers, reconnects to peers whose address changed, disconnects removed peers. Connections with
    /// the other peers are not affected.
    /// </summary>
    /// <remarks>
    /// Called once after the start, and then by the driver whenever the members change; it must not block. The default does nothing: then
    /// the members of the cluster must never change.
    /// </remarks>
    void SetPeers(IReadOnlyDictionary<NodeId, PeerAddress> peers)
    {
    }

    /// <summary>
    /// Queues a message for <see cref="Message.To"/>. The caller reuses the message as soon as this method returns, so the message must be
    /// encoded or copied before, for instance with <see cref="MessageCodec"/>. A message that cannot be queued is dropped as a whole.
    /// </summary>
    /// <exception cref="InvalidOperationException">The message is to this node itself, or from another one.</exception>
    void Send(Message message);

    /// <summary>
    /// Starts to transmit all queued messages. The driver calls it once in each iteration, so that one write can carry many messages.
    /// </summary>
    void Flush();

    /// <summary>Receives the next event, if there is one.</summary>
    /// <remarks>
    /// Lifetime: <see cref="ReceivedEvent.Message"/> is valid until the next call. The payloads of its entries and proposals stay valid and
    /// unchanged: the log keeps them.
    /// Threading: when an event becomes available, the transport calls <see cref="TransportStartContext.OnReady"/> after it; the call may
    /// stand for many events.
    /// </remarks>
    bool TryReceive(out ReceivedEvent received);
}
