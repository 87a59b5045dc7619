using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>What a <see cref="TcpNetwork"/> is told once, when it starts.</summary>
public sealed record TcpNetworkOptions
{
    /// <summary>This node.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>The cluster this node belongs to. A peer of another cluster is refused, however right its address is.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>Where to listen; at least one.</summary>
    public required IReadOnlyList<PeerAddress> ListenEndPoints { get; init; }

    /// <summary>The other nodes, and where they listen; this node may be among them and is passed over.</summary>
    public IReadOnlyDictionary<NodeId, PeerAddress> Peers { get; init; } = new Dictionary<NodeId, PeerAddress>();

    /// <summary>The largest frame, bytes, sent or taken.</summary>
    /// <remarks>
    /// Default 16 MiB, at least 4 KiB. It must hold <see cref="RaftOptions.MaxMessageBytes"/> and one entry of <see cref="RaftOptions.MaxCommandBytes"/>.
    /// All members must agree on it. Too large: a peer can make us set aside that much at once.
    /// </remarks>
    public int MaxFrameBytes { get; init; } = 16 << 20;

    /// <summary>The most bytes that wait to be sent to one peer; a message that does not fit is dropped whole.</summary>
    /// <remarks>Default 64 MiB, at least <see cref="MaxFrameBytes"/>, at most 1 GiB. Too small: a burst to a slow peer is sent twice.</remarks>
    public int MaxSendQueueBytes { get; init; } = 64 << 20;

    /// <summary>The bytes received from one peer and not yet taken by the loop, beyond which we stop reading from it.</summary>
    /// <remarks>Default 32 MiB, at least 1. TCP then holds the sender back. One frame more than this may be held.</remarks>
    public long MaxReceiveQueueBytes { get; init; } = 32 << 20;

    /// <summary>The most connections that have not said yet who they are; beyond it a new one is closed at once.</summary>
    /// <remarks>Default 64, at least 1. Each has a thread while it lasts.</remarks>
    public int MaxHandshakes { get; init; } = 64;

    /// <summary>The most of them from one IP address, so that one stranger cannot keep all peers out.</summary>
    /// <remarks>Default 16, at least 1.</remarks>
    public int MaxHandshakesPerAddress { get; init; } = 16;

    /// <summary>How long a handshake may take from its first byte to its last.</summary>
    /// <remarks>Default 10 s.</remarks>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long looking up a name and connecting may take.</summary>
    /// <remarks>Default 2 s. Too large: after a partition heals, a dial begun during it still hangs.</remarks>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The wait after a first failed dial; it doubles from there, with jitter.</summary>
    /// <remarks>Default 20 ms.</remarks>
    public TimeSpan InitialReconnectBackoff { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest wait between two dials.</summary>
    /// <remarks>Default 1 s. Too large: a peer that returns is found late.</remarks>
    public TimeSpan MaxReconnectBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A connection on which sent bytes stay unacknowledged for this long is given up and dialled anew.</summary>
    /// <remarks>
    /// Default 5 s. Without it the kernel keeps a connection through a partition for a quarter of an hour, and its retransmissions come
    /// up to two minutes apart: the network has healed and the cluster does not know. Where the system has no such setting, keep-alive
    /// probes are all there is.
    /// </remarks>
    public TimeSpan UnacknowledgedTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock for deadlines and back-off.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Is told what an operator would want to know. Called from any thread; it must be quick and must not throw.</summary>
    public Action<TransportEvent> OnEvent { get; init; } = static _ => { };

    /// <summary>Which folder is ours, and which our peers had; null: nobody is asked.</summary>
    internal IncarnationStore? Incarnations { get; init; }

    /// <summary>Checks every option and how they fit together.</summary>
    /// <exception cref="ArgumentException">Names the option, its value and what it must be.</exception>
    public void Validate()
    {
        Require(NodeId != NodeId.None, nameof(NodeId), NodeId, "not 0, which stands for nobody");
        Require(ListenEndPoints.Count >= 1, nameof(ListenEndPoints), "empty", "at least one host:port");
        Require(MaxFrameBytes >= 4096, nameof(MaxFrameBytes), MaxFrameBytes, "at least 4096");
        Require(MaxSendQueueBytes >= MaxFrameBytes, nameof(MaxSendQueueBytes), MaxSendQueueBytes, $"at least FrameBytesMax = {MaxFrameBytes}");
        Require(MaxSendQueueBytes <= 1 << 30, nameof(MaxSendQueueBytes), MaxSendQueueBytes, "at most 1 GiB");
        Require(MaxReceiveQueueBytes >= 1, nameof(MaxReceiveQueueBytes), MaxReceiveQueueBytes, "at least 1");
        Require(MaxHandshakes >= 1, nameof(MaxHandshakes), MaxHandshakes, "at least 1");
        Require(MaxHandshakesPerAddress >= 1, nameof(MaxHandshakesPerAddress), MaxHandshakesPerAddress, "at least 1");
        Require(HandshakeTimeout > TimeSpan.Zero, nameof(HandshakeTimeout), HandshakeTimeout, "longer than nothing");
        Require(ConnectTimeout > TimeSpan.Zero, nameof(ConnectTimeout), ConnectTimeout, "longer than nothing");
        Require(InitialReconnectBackoff > TimeSpan.Zero, nameof(InitialReconnectBackoff), InitialReconnectBackoff, "longer than nothing");
        Require(MaxReconnectBackoff >= InitialReconnectBackoff, nameof(MaxReconnectBackoff), MaxReconnectBackoff, $"at least BackoffMin = {InitialReconnectBackoff}");
        Require(UnacknowledgedTimeout > TimeSpan.Zero, nameof(UnacknowledgedTimeout), UnacknowledgedTimeout, "longer than nothing");
    }

    private static void Require<T>(bool holds, string option, T value, string range)
    {
        if (!holds)
            throw new ArgumentException($"{option} is {value}; it must be {range}.", option);
    }
}
