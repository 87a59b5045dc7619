using Quorate.Node.Transport;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node;

/// <summary>What a node is told when it starts.</summary>
public sealed record RaftNodeOptions
{
    /// <summary>This member. Its id is its own for good: the data folder remembers it.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>Names the cluster: members of different clusters refuse to talk to each other.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>Where the log and the vote are kept. The folder is made if it is missing, and belongs to this member of this cluster alone: another is refused.</summary>
    /// <remarks>
    /// A member whose folder is lost is lost: with an empty one it has forgotten its votes, and its peers refuse it. Never start from a copy of an earlier day: votes
    /// and acknowledgements that came after it would be forgotten, and nobody would know.
    /// </remarks>
    public required string DataDirectory { get; init; }

    /// <summary>All members, this one among them, and where their peers reach them. The addresses may change from start to start.</summary>
    /// <remarks>The ids may not: they decide what a majority is, and a folder that was made with others is refused.</remarks>
    public required IReadOnlyDictionary<NodeId, PeerAddress> Members { get; init; }

    /// <summary>Where this node listens for its peers; null: where <see cref="Members"/> says that it is reached.</summary>
    public IReadOnlyList<PeerAddress>? ListenEndPoints { get; init; }

    /// <summary>How often a leader says that it leads.</summary>
    /// <remarks>Default 100 ms. At least 10 ms.</remarks>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long followers wait for a leader that says nothing; the wait is drawn from [this, 2 × this).</summary>
    /// <remarks>
    /// Default 1 s, at least 5 × <see cref="HeartbeatInterval"/>. Too small: elections whenever a collector, a disk or a busy processor pauses. Too large: a
    /// leader that hangs is replaced late. One whose process dies is replaced in a fraction of it: its peers see the connection close.
    /// </remarks>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The largest command, bytes. All members must agree on it.</summary>
    /// <remarks>Default 8 MiB, at most a quarter of <see cref="SegmentBytes"/>; larger ones are rejected as <see cref="RejectReason.TooLarge"/>.</remarks>
    public int MaxCommandBytes { get; init; } = 8 << 20;

    /// <summary>
    /// The most bytes of commands that are accepted and not yet committed, and the most that wait for this node's state machine; beyond either, proposals are rejected
    /// as <see cref="RejectReason.Busy"/>.
    /// </summary>
    /// <remarks>
    /// Default 64 MiB. It bounds the node's memory while a quorum, a disk or the state machine is slow: what a machine that lags behind cannot be given yet stays on the disk. A member
    /// whose own machine lags refuses its own clients; those of the others it serves, if it leads.
    /// </remarks>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>The most proposals that wait for this node's loop, and the most reads that wait for their answer; beyond it they are rejected as <see cref="RejectReason.Busy"/>.</summary>
    /// <remarks>Default 65,536. A caller that has stopped waiting is not counted.</remarks>
    public int MaxPendingRequests { get; init; } = 65_536;

    /// <summary>Bytes of committed entries kept in memory for followers that are a little behind.</summary>
    /// <remarks>Default 4 MiB. Too small: the leader reads its disk for them. Too large: the collector has as much more to carry along.</remarks>
    public long MaxCachedBytes { get; init; } = 4 << 20;

    /// <summary>The size of a file of the log, bytes.</summary>
    /// <remarks>Default 64 MiB; 16 KiB to 1 GiB, a multiple of 4096.</remarks>
    public int SegmentBytes { get; init; } = 64 << 20;

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told what happens inside the core: elections, commits, truncations. Called by the node's own threads, one call after another; it must not wait.</summary>
    public Action<NodeId, TraceEvent>? OnTrace { get; init; }

    /// <summary>Told what happens on the network: connections made, lost and refused. It must not wait.</summary>
    public Action<TransportEvent>? OnTransportEvent { get; init; }

    /// <summary>Checks every option and how they fit together.</summary>
    /// <exception cref="ArgumentException">Names the option, its value and what it must be.</exception>
    public void Validate()
    {
        if (!Members.ContainsKey(NodeId))
            throw new ArgumentException($"Members does not name this node, {NodeId}; it must list all members, this one among them.", nameof(Members));
        if (HeartbeatInterval < TimeSpan.FromMilliseconds(10))
            throw new ArgumentException($"HeartbeatInterval is {HeartbeatInterval.TotalMilliseconds} ms; it must be at least 10 ms.", nameof(HeartbeatInterval));
        if (ElectionTimeout < 5 * HeartbeatInterval)
        {
            throw new ArgumentException(
                $"ElectionTimeout is {ElectionTimeout.TotalMilliseconds} ms; it must be at least 5 × HeartbeatInterval = {5 * HeartbeatInterval.TotalMilliseconds} ms.",
                nameof(ElectionTimeout));
        }

        if (MaxPendingRequests < 1)
            throw new ArgumentException($"WaitingRequestsMax is {MaxPendingRequests}; it must be at least 1.", nameof(MaxPendingRequests));
        if (MaxUncommittedBytes < 1)
            throw new ArgumentException($"UncommittedBytesMax is {MaxUncommittedBytes}; it must be at least 1.", nameof(MaxUncommittedBytes));
        if (MaxCommandBytes < 1 || MaxCommandBytes > SegmentBytes / 4)
        {
            throw new ArgumentException(
                $"CommandBytesMax is {MaxCommandBytes}; it must be from 1 to a quarter of SegmentBytes = {SegmentBytes / 4}, for a command lies in one file of the log.",
                nameof(MaxCommandBytes));
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(DataDirectory);
        _ = new Configuration(Members.Keys);
        ToWalOptions().Validate();
        ToRaftOptions(seed: 0).Validate();
    }

    /// <summary>What chance is drawn from; null: from the system, anew at each start. Tests that must repeat themselves say a number.</summary>
    internal ulong? Seed { get; init; }

    /// <summary>How long a tick of the core is: a tenth of a heartbeat, so that timeouts have a fine grain.</summary>
    internal TimeSpan TickInterval => HeartbeatInterval / 10;

    /// <summary>The largest frame between members: a full message with one command of the largest size behind it.</summary>
    internal int MaxFrameBytes => Math.Max(16 << 20, MaxCommandBytes + (2 << 20));

    internal WalOptions ToWalOptions() => new() { SegmentBytes = SegmentBytes, PayloadBytesMax = MaxCommandBytes };

    internal RaftOptions ToRaftOptions(ulong seed) => new()
    {
        Self = NodeId,
        HeartbeatTicks = 10,
        ElectionTicks = (int)Math.Round(ElectionTimeout / TickInterval),
        MaxCommandBytes = MaxCommandBytes,
        MaxUncommittedBytes = Math.Max(MaxUncommittedBytes, MaxCommandBytes),
        MaxCachedBytes = MaxCachedBytes,
        Seed = seed,
    };
}
