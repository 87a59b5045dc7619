namespace Quorate.Raft;

/// <summary>Which messages wait until term and vote are durable: at most one of each kind for each peer.</summary>
/// <remarks>
/// A disk may complete no write for minutes, while peers continue to send: a leader sends a heartbeat in each interval and a round for each
/// read, a candidate repeats its pre-vote. If a reply to each waited for the disk, their number would have no bound. The network may lose
/// any message, so a message whose kind already waits for its receiver counts as lost; the receiver sends its request again once it needs
/// to.
/// </remarks>
internal sealed class HeldMessages
{
    private readonly Dictionary<NodeId, Kinds> _held = [];

    [Flags]
    private enum Kinds : byte
    {
        None = 0,
        AppendEntriesReply = 1,
        PreVoteRequest = 2,
        RequestVoteReply = 4,
        GrantedVote = 8,
        ReadIndexReply = 16,
        ProposalRejection = 32,
    }

    /// <summary>Records that a message waits. Returns false if one of its kind waits for its receiver already.</summary>
    public bool TryAdd(Message message)
    {
        var kind = KindOf(message);
        var held = _held.GetValueOrDefault(message.To);
        _held[message.To] = held | kind;
        return (held & kind) == Kinds.None;
    }

    /// <summary>Forgets all messages.</summary>
    public void Clear() => _held.Clear();

    /// <summary>Copies what <paramref name="other"/> records.</summary>
    public void CopyFrom(HeldMessages other)
    {
        foreach (var (peer, kinds) in other._held)
            _held.Add(peer, kinds);
    }

    /// <summary>Writes the kinds that wait for each member.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        foreach (var member in state.Members)
            state.Number((ulong)_held.GetValueOrDefault(member));
    }

    private static Kinds KindOf(Message message) => message switch
    {
        AppendEntriesReply => Kinds.AppendEntriesReply,
        RequestVote { PreVote: true } => Kinds.PreVoteRequest,
        RequestVoteReply { PreVote: false, Granted: true } => Kinds.GrantedVote,
        RequestVoteReply => Kinds.RequestVoteReply,
        ReadIndexReply => Kinds.ReadIndexReply,
        RejectProposals => Kinds.ProposalRejection,
        _ => throw new ArgumentException($"{message.GetType().Name} is never sent before its term is durable", nameof(message)),
    };
}
