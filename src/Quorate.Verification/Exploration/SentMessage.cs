using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>A message that was sent: a copy, because the core reuses its message objects.</summary>
internal sealed class SentMessage : HashedStateComponent, IEquatable<SentMessage>
{
    public SentMessage(SymmetryPermutation[] permutations, Message message)
        : base(permutations)
    {
        Message = Copy(message);
        Message.From = message.From;
        Message.To = message.To;
        Message.Term = message.Term;

        // Hashed here, and not while a component that contains the message is being written: they share the encoder.
        for (var i = 0; i < permutations.Length; i++)
            HashUnder(i);
    }

    public Message Message { get; }

    public bool Equals(SentMessage? other) => other is not null && other.Identity == Identity;

    public override bool Equals(object? obj) => Equals(obj as SentMessage);

    public override int GetHashCode() => (int)Identity;

    public override string ToString() => Message.ToString()!;

    /// <summary>Whether both messages have the same type, sender and receiver.</summary>
    public bool HasSameKindAndLink(SentMessage other) =>
        Message.From == other.Message.From && Message.To == other.Message.To && Message.GetType() == other.Message.GetType();

    protected override void Write(in SymmetryPermutation state)
    {
        state.Node(Message.From);
        state.Node(Message.To);
        state.Number(Message.Term.Value);
        switch (Message)
        {
            case AppendEntries append:
                state.Number(1);
                Write(state, append.Previous);
                state.Number(append.LeaderCommit.Value);
                state.Number(append.Round);
                state.Number(append.NeedsSnapshot ? 1UL : 0);
                WriteEntries(state, append.Entries.Span);
                break;
            case AppendEntriesReply reply:
                state.Number(2);
                state.Number(reply.Accepted ? 1UL : 0);
                state.Number(reply.Index.Value);
                Write(state, reply.Hint);
                state.Number(reply.Round);
                break;
            case RequestVote request:
                state.Number(request.PreVote ? 3UL : request.IsTransfer ? 12UL : 4);
                Write(state, request.LastEntry);
                break;
            case RequestVoteReply reply:
                state.Number(reply.PreVote ? 5UL : 6);
                state.Number(reply.Granted ? 1UL : 0);
                break;
            case ForwardProposals forward:
                state.Number(7);
                state.Number((ulong)forward.Proposals.Length);
                foreach (ref readonly var proposal in forward.Proposals.Span)
                    state.Number(proposal.Id.Sequence);
                break;
            case RejectProposals rejection:
                state.Number(8);
                state.Number(rejection.FirstSequence);
                state.Number(rejection.LastSequence);
                state.Number((ulong)rejection.Reason);
                break;
            case ReadIndexRequest request:
                state.Number(9);
                state.Number(request.ReadId);
                break;
            case ReadIndexReply reply:
                state.Number(10);
                state.Number(reply.ReadId);
                state.Number(reply.Granted ? 1UL : 0);
                state.Number(reply.Index.Value);
                break;
            case TimeoutNow timeoutNow:
                state.Number(11);
                state.Number(timeoutNow.LastIndex.Value);
                break;
            default:
                throw new NotSupportedException($"the explorer does not support messages of type {Message.GetType().Name}");
        }
    }

    /// <summary>Writes entries: of a message, a disk, or a pending append.</summary>
    public static void WriteEntries(in SymmetryPermutation state, ReadOnlySpan<LogEntry> entries)
    {
        state.Number((ulong)entries.Length);
        foreach (ref readonly var entry in entries)
        {
            Write(state, entry.Id);
            state.Number((ulong)entry.Kind);
            state.Node(entry.Proposal.Origin);
            state.Number(entry.Proposal.Sequence);
        }
    }

    public static void Write(in SymmetryPermutation state, EntryId id)
    {
        state.Number(id.Term.Value);
        state.Number(id.Index.Value);
    }

    private static Message Copy(Message message) => message switch
    {
        AppendEntries m => new AppendEntries
        {
            Previous = m.Previous, Entries = m.Entries.ToArray(), LeaderCommit = m.LeaderCommit, Round = m.Round,
            NeedsSnapshot = m.NeedsSnapshot,
        },
        AppendEntriesReply m => new AppendEntriesReply { Accepted = m.Accepted, Index = m.Index, Hint = m.Hint, Round = m.Round },
        RequestVote m => new RequestVote { PreVote = m.PreVote, IsTransfer = m.IsTransfer, LastEntry = m.LastEntry },
        RequestVoteReply m => new RequestVoteReply { PreVote = m.PreVote, Granted = m.Granted },
        ForwardProposals m => new ForwardProposals { Proposals = m.Proposals.ToArray() },
        RejectProposals m => new RejectProposals { FirstSequence = m.FirstSequence, LastSequence = m.LastSequence, Reason = m.Reason },
        ReadIndexRequest m => new ReadIndexRequest { ReadId = m.ReadId },
        ReadIndexReply m => new ReadIndexReply { ReadId = m.ReadId, Granted = m.Granted, Index = m.Index },
        TimeoutNow m => new TimeoutNow { LastIndex = m.LastIndex },
        _ => throw new NotSupportedException($"the explorer does not support messages of type {message.GetType().Name}"),
    };
}
