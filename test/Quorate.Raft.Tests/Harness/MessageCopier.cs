namespace Quorate.Raft.Tests;

/// <summary>
/// Copies messages, as an encoder would: the core reuses its messages in the next step, and they contain views of its log.
/// </summary>
internal static class MessageCopier
{
    public static Message Of(Message message)
    {
        Message copy = message switch
        {
            AppendEntries m => new AppendEntries
            {
                Previous = m.Previous, Entries = m.Entries.ToArray(), LeaderCommit = m.LeaderCommit, Round = m.Round,
                NeedsSnapshot = m.NeedsSnapshot, QuorumIsShortOfSpace = m.QuorumIsShortOfSpace,
                LeaseMilliseconds = m.LeaseMilliseconds, LeaseStamp = m.LeaseStamp,
            },
            AppendEntriesReply m => new AppendEntriesReply
            {
                Accepted = m.Accepted, Index = m.Index, Hint = m.Hint, Round = m.Round, IsShortOfSpace = m.IsShortOfSpace,
                CannotWrite = m.CannotWrite, IsRepairing = m.IsRepairing, LeaseStamp = m.LeaseStamp,
            },
            RequestVote m => new RequestVote { PreVote = m.PreVote, IsTransfer = m.IsTransfer, LastEntry = m.LastEntry },
            RequestVoteReply m => new RequestVoteReply { PreVote = m.PreVote, Granted = m.Granted },
            ForwardProposals m => new ForwardProposals { Proposals = m.Proposals.ToArray() },
            RejectProposals m => new RejectProposals { FirstSequence = m.FirstSequence, LastSequence = m.LastSequence, Reason = m.Reason },
            ReadIndexRequest m => new ReadIndexRequest { ReadId = m.ReadId },
            ReadIndexReply m => new ReadIndexReply { ReadId = m.ReadId, Granted = m.Granted, Index = m.Index },
            TimeoutNow m => new TimeoutNow { LastIndex = m.LastIndex },
            _ => throw new ArgumentException($"MessageCopier does not know the message type {message.GetType().Name}", nameof(message)),
        };
        copy.From = message.From;
        copy.To = message.To;
        copy.Term = message.Term;
        return copy;
    }
}
