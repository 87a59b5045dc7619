using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Configures a <see cref="TcpTransport"/>; read once, when it starts.</summary>
internal sealed record TcpTransportOptions
{
    /// <summary>The id of this node.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>The id of the cluster of this node. A peer of another cluster is rejected, even at a configured address.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>The end points to listen on; at least one.</summary>
    public required IReadOnlyList<PeerAddress> ListenEndPoints { get; init; }

    /// <summary>The addresses of the other nodes. This node may be among them; it is skipped.</summary>
    public IReadOnlyDictionary<NodeId, PeerAddress> Peers { get; init; } = new Dictionary<NodeId, PeerAddress>();

    /// <summary>See <see cref="TransportStartContext.Names"/>.</summary>
    public IReadOnlyDictionary<NodeId, string> Names { get; init; } = new Dictionary<NodeId, string>();

    /// <summary>The largest frame to send or receive, bytes.</summary>
    /// <remarks>
    /// Default 16 MiB, at least 4 KiB. It must hold <see cref="RaftOptions.MaxMessageBytes"/> and the largest entry of a log, a quarter of
    /// <see cref="RaftNodeOptions.SegmentBytes"/>. All members must use the same value. Too large: a peer can make this node allocate that
    /// much at once.
    /// </remarks>
    public int MaxFrameBytes { get; init; } = 16 << 20;

    /// <summary>The most bytes that wait to be sent to one peer. A message that does not fit is dropped as a whole.</summary>
    /// <remarks>
    /// Default 64 MiB, at least <see cref="MaxFrameBytes"/>, at most 1 GiB. Too small: a burst to a slow peer is sent twice.
    /// </remarks>
    public int MaxSendQueueBytes { get; init; } = 64 << 20;

    /// <summary>
    /// The number of received bytes of one peer, not yet processed by the driver, beyond which the node stops reading from that peer.
    /// </summary>
    /// <remarks>
    /// Default 32 MiB, at least 1. TCP then applies backpressure to the sender. Up to one frame more than this may be held.
    /// </remarks>
    public long MaxReceiveQueueBytes { get; init; } = 32 << 20;

    /// <summary>
    /// The most accepted connections whose handshake request has not arrived. Beyond it one is closed, those of strangers before those of
    /// peers (<see cref="HandshakeSlots"/>).
    /// </summary>
    /// <remarks>Default 64, at least 1. Each occupies a file descriptor.</remarks>
    public int MaxHandshakes { get; init; } = 64;

    /// <summary>The timeout of a handshake request, from the acceptance of the connection to its last byte.</summary>
    /// <remarks>Default 1 s, more than zero. A dialer sends it at once. Too large: silent connections occupy slots for long.</remarks>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The timeout of a connection attempt with its name resolution, and of the response to a handshake.</summary>
    /// <remarks>
    /// Default 2 s, more than zero. Too large: after a partition heals, an attempt that began during it still has to time out.
    /// </remarks>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The wait after the first failed connection attempt; it doubles with each further failure, with jitter.</summary>
    /// <remarks>Default 20 ms, more than zero.</remarks>
    public TimeSpan InitialReconnectBackoff { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest wait between two connection attempts.</summary>
    /// <remarks>Default 1 s, at least <see cref="InitialReconnectBackoff"/>. Too large: a peer that returns is reached late.</remarks>
    public TimeSpan MaxReconnectBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The time after which a connection with unacknowledged bytes is closed and opened again (TCP_USER_TIMEOUT).</summary>
    /// <remarks>
    /// Default 5 s, more than zero. Without it, the kernel keeps a connection through a partition for a quarter of an hour, with
    /// retransmissions up to two minutes apart: the network has healed, and the cluster does not notice. On systems without this setting
    /// only keep-alive probes remain.
    /// </remarks>
    public TimeSpan UnacknowledgedTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock for timeouts and back-off.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Called for every event that is relevant to an operator, from any thread. It must return quickly and must not throw.
    /// </summary>
    public Action<TransportEvent> OnEvent { get; init; } = static _ => { };

    /// <summary>The Raft group whose messages are sent and received. A received message of another group is skipped and counted.</summary>
    public GroupId Group { get; init; } = GroupId.First;

    /// <summary>The id of this node's data directory; none: the peers do not verify it.</summary>
    public DirectoryId DirectoryId { get; init; }

    /// <summary>See <see cref="TransportStartContext.Version"/>.</summary>
    public ClusterVersion Version { get; init; } = Versions.ClusterVersion.Current;

    /// <summary>See <see cref="TransportStartContext.ClusterVersion"/>.</summary>
    public Func<ClusterVersion> ClusterVersion { get; init; } = static () => Versions.ClusterVersion.Oldest;

    /// <summary>See <see cref="TransportStartContext.Secret"/>.</summary>
    public PeerSecret? Secret { get; init; }

    /// <summary>Whether a node was a member and was removed.</summary>
    public Func<NodeId, bool> WasRemoved { get; init; } = static _ => false;

    /// <summary>See <see cref="TransportStartContext.CommittedConfiguration"/>.</summary>
    public Func<ConfigurationAt?>? CommittedConfiguration { get; init; }

    /// <summary>See <see cref="TransportStartContext.TryRecordDirectory"/>.</summary>
    public Func<NodeId, DirectoryId, bool> TryRecordDirectory { get; init; } = static (_, _) => true;

    /// <summary>Returns the name of a node for messages to the operator.</summary>
    public string NameOf(NodeId node) => Names.GetValueOrDefault(node) ?? node.ToString();

    /// <summary>Validates every option and the relations between them.</summary>
    /// <exception cref="ArgumentException">
    /// An option is out of range; the message names the option, its value and the valid range.
    /// </exception>
    public void Validate()
    {
        Require(NodeId != NodeId.None, nameof(NodeId), NodeId, "non-zero (0 means no node)");
        Require(ListenEndPoints.Count >= 1, nameof(ListenEndPoints), "empty", "at least one host:port");
        Require(MaxFrameBytes >= 4096, nameof(MaxFrameBytes), MaxFrameBytes, "at least 4096");
        Require(
            MaxSendQueueBytes >= MaxFrameBytes, nameof(MaxSendQueueBytes), MaxSendQueueBytes, $"at least MaxFrameBytes = {MaxFrameBytes}");
        Require(MaxSendQueueBytes <= 1 << 30, nameof(MaxSendQueueBytes), MaxSendQueueBytes, "at most 1 GiB");
        Require(MaxReceiveQueueBytes >= 1, nameof(MaxReceiveQueueBytes), MaxReceiveQueueBytes, "at least 1");
        Require(MaxHandshakes >= 1, nameof(MaxHandshakes), MaxHandshakes, "at least 1");
        Require(HandshakeTimeout > TimeSpan.Zero, nameof(HandshakeTimeout), HandshakeTimeout, "greater than zero");
        Require(ConnectTimeout > TimeSpan.Zero, nameof(ConnectTimeout), ConnectTimeout, "greater than zero");
        Require(InitialReconnectBackoff > TimeSpan.Zero, nameof(InitialReconnectBackoff), InitialReconnectBackoff, "greater than zero");
        Require(
            MaxReconnectBackoff >= InitialReconnectBackoff, nameof(MaxReconnectBackoff), MaxReconnectBackoff,
            $"at least InitialReconnectBackoff = {InitialReconnectBackoff}");
        Require(UnacknowledgedTimeout > TimeSpan.Zero, nameof(UnacknowledgedTimeout), UnacknowledgedTimeout, "greater than zero");
    }

    private static void Require<T>(bool holds, string option, T value, string range)
    {
        if (!holds)
            throw new ArgumentException($"{option} is {value}; it must be {range}.", option);
    }
}
