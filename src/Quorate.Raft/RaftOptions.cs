namespace Quorate.Raft;

/// <summary>The options of a core, set when it is created.</summary>
public sealed record RaftOptions
{
    /// <summary>The id of this node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>
    /// The base election timeout, in ticks. A follower normally waits a random time in [ElectionTicks, 2 × ElectionTicks) without a message
    /// from the leader before it requests pre-votes.
    /// </summary>
    /// <remarks>
    /// Default 100, at least 5 × <see cref="HeartbeatTicks"/>. Retries, the first election after a start, and a closed connection to the
    /// leader use shorter times. A leader steps down when it has received no replies from a quorum for longer than this, or when its disk
    /// has completed no append for longer than this and cannot write what is committed or read what a follower needs. A follower that
    /// received from its leader within this time grants no pre-vote and ignores vote requests of later terms. Too small: needless elections
    /// whenever a garbage collection or a disk pauses the node. Too large: a frozen leader is replaced late. Source: paper §5.6, §9.3;
    /// thesis §4.2.3, §6.2.
    /// </remarks>
    public int ElectionTicks { get; init; } = 100;

    /// <summary>Ticks between two heartbeats of a leader.</summary>
    /// <remarks>Default 10, at least 1. Too small: idle traffic. Too large: followers reach their election timeout.</remarks>
    public int HeartbeatTicks { get; init; } = 10;

    /// <summary>The maximum bytes of entries in one message; a larger single entry is sent alone.</summary>
    /// <remarks>
    /// Default 1 MiB, at least 1024. Too small: a message for every few entries. Too large: one message occupies a slow link for long.
    /// </remarks>
    public int MaxMessageBytes { get; init; } = 1 << 20;

    /// <summary>The maximum number of unacknowledged AppendEntries messages to one follower.</summary>
    /// <remarks>
    /// Default 256, at least 1. Too small: the link idles while replies are in flight. Too large: much is sent again after a disconnect.
    /// </remarks>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>The maximum bytes of unacknowledged entries sent to one follower; the last message may exceed it.</summary>
    /// <remarks>
    /// Default 16 MiB, at least <see cref="MaxMessageBytes"/>. Too small: the link idles while replies are in flight. Too large: much is
    /// sent again after a disconnect.
    /// </remarks>
    public long MaxInflightBytes { get; init; } = 16 << 20;

    /// <summary>
    /// The maximum bytes of uncommitted entries a leader holds; beyond it, proposals are rejected as <see cref="RejectReason.Busy"/>.
    /// </summary>
    /// <remarks>
    /// Default 64 MiB, at least <see cref="MaxCommandBytes"/>. It bounds memory while a quorum is slow or unavailable. A node also rejects
    /// its own clients' proposals as Busy while its state machine has this many bytes left to apply. The apply queue takes no further
    /// entries while it holds this many bytes; later committed entries stay on disk until they can be applied. Too small: proposals are
    /// rejected during a short delay of a quorum or of the state machine. Too large: memory grows until a quorum or the state machine has
    /// caught up.
    /// </remarks>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>The largest command in bytes; a larger one is rejected as <see cref="RejectReason.TooLarge"/>.</summary>
    /// <remarks>
    /// Default 8 MiB, at least 1. It limits new proposals only: a follower appends what its leader sends. Too large: one entry occupies the
    /// disk and a slow link for long.
    /// </remarks>
    public int MaxCommandBytes { get; init; } = 8 << 20;

    /// <summary>Bytes of committed and durable entries the core keeps in memory, for followers that lag slightly behind.</summary>
    /// <remarks>
    /// Default 4 MiB, at least 0. Too small: a follower that lags slightly makes the leader read its disk. Too large: every member holds
    /// that much more memory.
    /// </remarks>
    public long MaxCachedBytes { get; init; } = 4 << 20;

    /// <summary>
    /// The maximum number of pending reads in this core: its own clients' and, on a leader, forwarded ones. Beyond it, own reads are
    /// rejected as Busy; forwarded reads are not granted, and the follower retries.
    /// </summary>
    /// <remarks>
    /// Default 16,384, at least 1. Too small: reads are rejected while one round is in flight. Too large: memory grows while no quorum
    /// replies.
    /// </remarks>
    public int MaxPendingReads { get; init; } = 16_384;

    /// <summary>The duration of a tick. The core compares it with the durations in messages of members whose ticks may be others.</summary>
    /// <remarks>Default 10 ms, more than 0.</remarks>
    public TimeSpan TickDuration { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The lease that this node requests from the other members while it leads; zero: none.</summary>
    /// <remarks>
    /// Default zero. In whole milliseconds; with <see cref="RaftCore.LateTicksMax"/> + 1 ticks at most <see cref="ElectionTicks"/>. Members
    /// grant the leases of others whatever their own option is. Too small: a heartbeat that is late ends the lease. Too large: a leader
    /// whose process ends is replaced as much later.
    /// </remarks>
    public TimeSpan LeaseDuration { get; init; }

    /// <summary>The seed of every random choice: two cores with the same seed and the same inputs behave identically.</summary>
    /// <remarks>
    /// The driver draws a new random seed at each start: the ids of a node's forwarded reads start at a number derived from the seed, and
    /// two processes of a node must not use the same ids.
    /// </remarks>
    public ulong Seed { get; init; }

    /// <summary>Validates the options and their relations.</summary>
    /// <exception cref="ArgumentException">
    /// An option is out of range. The message names the option, its value and the allowed range.
    /// </exception>
    public void Validate()
    {
        Require(Self != NodeId.None, nameof(Self), Self, "non-zero (0 means no node)");
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
        Require(MaxCachedBytes >= 0, nameof(MaxCachedBytes), MaxCachedBytes, "at least 0");
        Require(MaxPendingReads >= 1, nameof(MaxPendingReads), MaxPendingReads, "at least 1");
        Require(TickDuration > TimeSpan.Zero, nameof(TickDuration), TickDuration, "more than 0");
        Require(
            LeaseDuration == TimeSpan.Zero || (LeaseDuration > TimeSpan.Zero && LeaseDuration < TimeSpan.FromDays(1)
                && LeaseDuration.Ticks % TimeSpan.TicksPerMillisecond == 0
                && LeaseTicks((uint)LeaseDuration.TotalMilliseconds) <= ElectionTicks),
            nameof(LeaseDuration), LeaseDuration,
            $"zero, or whole milliseconds and with {RaftCore.LateTicksMax + 1} ticks at most ElectionTicks = {ElectionTicks} ticks");
    }

    /// <summary>The ticks for which a member does not vote that grants a lease.</summary>
    internal int LeaseTicks(uint milliseconds)
    {
        var (ticks, rest) = Math.DivRem(milliseconds * TimeSpan.TicksPerMillisecond, TickDuration.Ticks);
        return (int)Math.Min(int.MaxValue, ticks + (rest > 0 ? 1 : 0) + RaftCore.LateTicksMax + 1);
    }

    private static void Require<T>(bool holds, string option, T value, string range)
    {
        if (!holds)
            throw new ArgumentException($"{option} is {value}; it must be {range}.", option);
    }
}
