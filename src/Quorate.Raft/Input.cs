namespace Quorate.Raft;

/// <summary>The kinds of <see cref="Input"/>.</summary>
public enum InputKind : byte
{
    /// <summary>Time has passed by one tick.</summary>
    Tick = 1,

    /// <summary>A message has arrived.</summary>
    Message = 2,

    /// <summary>Clients of this node want commands in the log.</summary>
    Propose = 3,

    /// <summary>Clients of this node want to read the newest state.</summary>
    Read = 4,

    /// <summary>An append, and all before it, is on disk.</summary>
    Durable = 5,

    /// <summary>The state machine has applied up to an index.</summary>
    Applied = 6,

    /// <summary>Entries that were asked for have been read back from the disk.</summary>
    EntriesLoaded = 7,

    /// <summary>A peer's connection was closed: its process may be gone.</summary>
    PeerLost = 8,

    /// <summary>Everything that had arrived has been stepped: what gathered may leave now.</summary>
    EndOfIteration = 9,

    /// <summary>A client of this node has stopped waiting for the outcome of a proposal.</summary>
    Withdraw = 10,
}

/// <summary>One thing that happened to a node, on its way into <see cref="RaftCore.Step"/>.</summary>
public readonly struct Input
{
    private Input(InputKind kind) => Kind = kind;

    /// <summary>What happened.</summary>
    public InputKind Kind { get; }

    /// <summary>With <see cref="InputKind.Message"/>.</summary>
    public Message? Message { get; private init; }

    /// <summary>With <see cref="InputKind.Propose"/>.</summary>
    public ReadOnlyMemory<Proposal> Proposals { get; private init; }

    /// <summary>With <see cref="InputKind.EntriesLoaded"/>.</summary>
    public ReadOnlyMemory<LogEntry> Entries { get; private init; }

    /// <summary>With <see cref="InputKind.Read"/> the driver's ticket, with <see cref="InputKind.Durable"/> the token, with <see cref="InputKind.Withdraw"/> the proposal's number.</summary>
    public ulong Number { get; private init; }

    /// <summary>With <see cref="InputKind.Applied"/>.</summary>
    public LogIndex Index { get; private init; }

    /// <summary>With <see cref="InputKind.EntriesLoaded"/> and <see cref="InputKind.PeerLost"/>.</summary>
    public NodeId Peer { get; private init; }

    /// <summary>Time has passed by one tick; whoever drives the core decides how long a tick is.</summary>
    public static Input Tick => new(InputKind.Tick);

    /// <summary>
    /// Everything that had arrived has been stepped. A leader now sends each follower what it lacks, another node its leader what its clients propose, as few messages as
    /// that takes: sixty proposals that arrived together leave together.
    /// </summary>
    public static Input EndOfIteration => new(InputKind.EndOfIteration);

    /// <summary>A message has arrived. The core keeps nothing of it but the bytes of its entries.</summary>
    public static Input Received(Message message) => new(InputKind.Message) { Message = message };

    /// <summary>
    /// Commands for the log. Each ends in exactly one way: it is handed out in <see cref="Effects.Apply"/>, or named in
    /// <see cref="Effects.Rejections"/>, or the driver gives up waiting, must call it indeterminate, and says so with <see cref="Withdraw"/>.
    /// </summary>
    public static Input Propose(ReadOnlyMemory<Proposal> proposals) => new(InputKind.Propose) { Proposals = proposals };

    /// <summary>
    /// Nobody waits for the outcome of this proposal any more. It is not sent again and will not be rejected; what a leader has of it may yet be committed, and is then handed
    /// out like any other entry.
    /// </summary>
    public static Input Withdraw(ulong sequence) => new(InputKind.Withdraw) { Number = sequence };

    /// <summary>A linearizable read wants to know from which applied index on it may read; the answer is in <see cref="Effects.ReadResults"/>.</summary>
    /// <remarks>It waits in the core until it is answered. A driver whose readers may give up has few tickets out at a time, and lets who comes meanwhile share the next.</remarks>
    /// <param name="ticket">The driver's own number for it, never used twice.</param>
    public static Input Read(ulong ticket) => new(InputKind.Read) { Number = ticket };

    /// <summary>The append with this token, and every one before it, is on disk.</summary>
    public static Input Durable(ulong token) => new(InputKind.Durable) { Number = token };

    /// <summary>The state machine has applied everything up to this index.</summary>
    public static Input Applied(LogIndex index) => new(InputKind.Applied) { Index = index };

    /// <summary>The entries that <see cref="Effects.EntriesRequests"/> asked for, from the disk; none when they could not be had.</summary>
    public static Input EntriesLoaded(NodeId forPeer, ReadOnlyMemory<LogEntry> entries) => new(InputKind.EntriesLoaded) { Peer = forPeer, Entries = entries };

    /// <summary>
    /// A peer closed its connection. If it led, a pre-vote starts after a moment instead of after an election timeout; if it
    /// follows, what was on its way to it is sent again.
    /// </summary>
    public static Input PeerLost(NodeId peer) => new(InputKind.PeerLost) { Peer = peer };
}
