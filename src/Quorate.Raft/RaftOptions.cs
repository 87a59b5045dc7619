namespace Quorate.Raft;

/// <summary>The options of a core, set when it is created.</summary>
public sealed record RaftOptions
{
    /// <summary>The id of this node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>
    /// Ticks without a message from a leader before a follower requests pre-votes; the timeout is drawn from [this, 2 × this).
    /// </summary>
    /// <remarks>
    /// Default 100, at least 5 × <see cref="HeartbeatTicks"/>. Too small: needless elections whenever a garbage collection or a disk pauses
    /// the node. Too large: a frozen leader is replaced late. Source: paper §5.6, §9.3.
    /// </remarks>
    public int ElectionTicks { get; init; } = 100;

    /// <summary>Ticks between two heartbeats of a leader.</summary>
    /// <remarks>Default 10. Too small: idle traffic. Too large: followers reach their election timeout.</remarks>
    public int HeartbeatTicks { get; init; } = 10;

    /// <summary>The maximum bytes of entries in one message; a larger single entry is sent alone.</summary>
    /// <remarks>Default 1 MiB. Too small: a message for every few entries. Too large: one message occupies a slow link for long.</remarks>
    public int MaxMessageBytes { get; init; } = 1 << 20;

    /// <summary>The maximum number of unacknowledged AppendEntries in flight to one follower.</summary>
    /// <remarks>
    /// Default 256. Too small: the link idles while replies are in flight. Too large: much is sent again after a disconnect.
    /// </remarks>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>The maximum bytes of unacknowledged entries in flight to one follower.</summary>
    /// <remarks>Default 16 MiB.</remarks>
    public long MaxInflightBytes { get; init; } = 16 << 20;

    /// <summary>
    /// The maximum bytes of uncommitted entries a leader holds; beyond it, proposals are rejected as <see cref="RejectReason.Busy"/>.
    /// </summary>
    /// <remarks>
    /// Default 64 MiB. It bounds memory while a quorum is slow or gone. Proposals of a node's own clients are rejected as Busy as well
    /// while this many bytes are not applied by its own state machine, which is given at most this many at a time; committed entries beyond
    /// them stay on disk and are loaded later. So memory is bounded on every member, however far its state machine lags behind.
    /// </remarks>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>The largest command in bytes; a larger one is rejected as <see cref="RejectReason.TooLarge"/>.</summary>
    /// <remarks>Default 8 MiB. All members must use the same value.</remarks>
    public int MaxCommandBytes { get; init; } = 8 << 20;

    /// <summary>Bytes of committed and durable entries the core keeps in memory, for followers that lag slightly behind.</summary>
    /// <remarks>Default 4 MiB. Too small: a follower that lags slightly makes the leader read its disk.</remarks>
    public long MaxCachedBytes { get; init; } = 4 << 20;

    /// <summary>
    /// The maximum number of reads that wait for a round at one leader, its own and forwarded ones; beyond it, reads are rejected as Busy.
    /// </summary>
    /// <remarks>Default 16,384.</remarks>
    public int MaxPendingReads { get; init; } = 16_384;

    /// <summary>The seed of every random choice: two cores with the same seed and the same inputs behave identically.</summary>
    /// <remarks>
    /// Must be drawn at random at each start of a node: the ids of its forwarded reads start at a number derived from the seed, and two
    /// processes of a node must not use the same ids.
    /// </remarks>
    public ulong Seed { get; init; }

    /// <summary>Checks every option and their combinations.</summary>
    /// <exception cref="ArgumentException">The message contains the option, its value and its range.</exception>
    public void Validate()
    {
        Require(Self != NodeId.None, nameof(Self), Self, "not 0, which is no node");
        Require(HeartbeatTicks >= 1, nameof(HeartbeatTicks), HeartbeatTicks, "at least 1");
        Require(
            ElectionTicks >= 5 * HeartbeatTicks, nameof(ElectionTicks), ElectionTicks,
            $"at least 5 × HeartbeatTicks = {5 * HeartbeatTicks}");
        Require(MaxMessageBytes >= 1024, nameof(MaxMessageBytes), MaxMessageBytes, "at least 1024");
        Require(MaxInflightMessages >= 1, nameof(MaxInflightMessages), MaxInflightMessages, "at least 1");
        Require(
            MaxInflightBytes >= MaxMessageBytes, nameof(MaxInflightBytes), MaxInflightBytes,
            $"at least MaxMessageBytes = {MaxMessageBytes}");
        Require(MaxCommandBytes >= 1, nameof(MaxCommandBytes), MaxCommandBytes, "at least 1");
        Require(
            MaxUncommittedBytes >= MaxCommandBytes, nameof(MaxUncommittedBytes), MaxUncommittedBytes,
            $"at least MaxCommandBytes = {MaxCommandBytes}");
        Require(MaxCachedBytes >= 0, nameof(MaxCachedBytes), MaxCachedBytes, "not negative");
        Require(MaxPendingReads >= 1, nameof(MaxPendingReads), MaxPendingReads, "at least 1");
    }

    private static void Require<T>(bool holds, string option, T value, string range)
    {
        if (!holds)
            throw new ArgumentException($"{option} is {value}; it must be {range}.", option);
    }
}
