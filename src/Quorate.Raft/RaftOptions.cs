namespace Quorate.Raft;

/// <summary>What a core is told once, when it is made.</summary>
public sealed record RaftOptions
{
    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>Ticks without a word from a leader before a follower asks for a pre-vote; the wait is drawn from [this, 2 × this).</summary>
    /// <remarks>
    /// Default 100, at least 5 × <see cref="HeartbeatTicks"/>. Too small: elections without need, whenever a collector or a disk pauses.
    /// Too large: a frozen leader is replaced late. Source: paper §5.6, §9.3.
    /// </remarks>
    public int ElectionTicks { get; init; } = 100;

    /// <summary>Ticks between two heartbeats of a leader.</summary>
    /// <remarks>Default 10. Too small: idle traffic. Too large: followers grow impatient.</remarks>
    public int HeartbeatTicks { get; init; } = 10;

    /// <summary>The most bytes of entries in one message; one entry larger than this travels alone.</summary>
    /// <remarks>Default 1 MiB. Too small: a message for every few entries. Too large: a slow link is held up by one message.</remarks>
    public int MaxMessageBytes { get; init; } = 1 << 20;

    /// <summary>The most AppendEntries on the way to one follower, unanswered.</summary>
    /// <remarks>Default 256. Too small: the link idles while answers travel. Too large: much is sent again after a break.</remarks>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>The most bytes of entries on the way to one follower, unanswered.</summary>
    /// <remarks>Default 16 MiB.</remarks>
    public long MaxInflightBytes { get; init; } = 16 << 20;

    /// <summary>The most bytes of entries a leader holds that are not committed; beyond it, proposals are <see cref="RejectReason.Busy"/>.</summary>
    /// <remarks>
    /// Default 64 MiB. It bounds memory while a quorum is slow or gone. A node's own clients are Busy too while so many bytes are not applied by its own state machine, which
    /// is given as many at a time; what else is committed stays on the disk and is read back. So memory is bounded on every member, however far its state machine lags behind.
    /// </remarks>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>The largest command, bytes; a larger one is <see cref="RejectReason.TooLarge"/>.</summary>
    /// <remarks>Default 8 MiB. All members must agree on it.</remarks>
    public int MaxCommandBytes { get; init; } = 8 << 20;

    /// <summary>Bytes of committed and durable entries the core keeps in memory, for followers that are a little behind.</summary>
    /// <remarks>Default 4 MiB. Too small: a follower a little behind makes the leader read its disk.</remarks>
    public long MaxCachedBytes { get; init; } = 4 << 20;

    /// <summary>The most reads that wait for a round at one leader, its own and forwarded ones; beyond it they are refused as Busy.</summary>
    /// <remarks>Default 16,384.</remarks>
    public int MaxPendingReads { get; init; } = 16_384;

    /// <summary>The seed of every random choice: two cores with the same seed and the same inputs do the same.</summary>
    /// <remarks>Drawn anew each time a node starts: the numbers of its reads begin at one that comes from it, and must not be used by two lives of a node.</remarks>
    public ulong Seed { get; init; }

    /// <summary>Checks every option and how they fit together.</summary>
    /// <exception cref="ArgumentException">Names the option, its value and what it must be.</exception>
    public void Validate()
    {
        Require(Self != NodeId.None, nameof(Self), Self, "not 0, which stands for nobody");
        Require(HeartbeatTicks >= 1, nameof(HeartbeatTicks), HeartbeatTicks, "at least 1");
        Require(ElectionTicks >= 5 * HeartbeatTicks, nameof(ElectionTicks), ElectionTicks, $"at least 5 × HeartbeatTicks = {5 * HeartbeatTicks}");
        Require(MaxMessageBytes >= 1024, nameof(MaxMessageBytes), MaxMessageBytes, "at least 1024");
        Require(MaxInflightMessages >= 1, nameof(MaxInflightMessages), MaxInflightMessages, "at least 1");
        Require(MaxInflightBytes >= MaxMessageBytes, nameof(MaxInflightBytes), MaxInflightBytes, $"at least MessageBytesMax = {MaxMessageBytes}");
        Require(MaxCommandBytes >= 1, nameof(MaxCommandBytes), MaxCommandBytes, "at least 1");
        Require(MaxUncommittedBytes >= MaxCommandBytes, nameof(MaxUncommittedBytes), MaxUncommittedBytes, $"at least CommandBytesMax = {MaxCommandBytes}");
        Require(MaxCachedBytes >= 0, nameof(MaxCachedBytes), MaxCachedBytes, "not negative");
        Require(MaxPendingReads >= 1, nameof(MaxPendingReads), MaxPendingReads, "at least 1");
    }

    private static void Require<T>(bool holds, string option, T value, string range)
    {
        if (!holds)
            throw new ArgumentException($"{option} is {value}; it must be {range}.", option);
    }
}
