using Quorate.Raft;

namespace Quorate.Verification.Conformance;

/// <summary>Messages to send in a conformance check.</summary>
internal static class SampleMessages
{
    /// <summary>The number of the first message of a check; smaller ones establish the connections.</summary>
    public const ulong FirstNumber = 1_000_000;

    /// <summary>A message with one entry, whose proposal has the number, and whose payload consists of its lowest byte.</summary>
    public static AppendEntries OneEntry(NodeId from, NodeId to, ulong number, int bytes)
    {
        var payload = new byte[bytes];
        payload.AsSpan().Fill((byte)number);
        var id = new EntryId(new Term(1), new LogIndex(1));
        return new AppendEntries
        {
            From = from, To = to, Term = new Term(1),
            Entries = new LogEntry[] { new(id, EntryKind.Command, new ProposalId(from, number), payload) },
        };
    }

    /// <summary>One message of each kind, and entries of many sizes, every field with a value of its own.</summary>
    public static IEnumerable<Message> All(NodeId from, NodeId to)
    {
        var term = new Term(0x21);
        var previous = new EntryId(new Term(0x20), new LogIndex(0x31));
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x30), Round = 0x41,
        };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x29), Round = 0x42,
            Entries = new LogEntry[]
            {
                LogEntry.NoOp(term, previous.Index + 1),
                new(new EntryId(term, previous.Index + 2), EntryKind.Command, new ProposalId(from, 0x51), "one"u8.ToArray()),
                new(new EntryId(term, previous.Index + 3), EntryKind.Configuration, new ProposalId(to, 0x52),
                    ConfigurationCodec.Encode(new Configuration([from, to]))),
            },
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Accepted = true, Index = new LogIndex(0x33), Round = 0x43,
            Hint = new EntryId(new Term(0x19), new LogIndex(0x28)),
        };
        yield return new RequestVote { From = from, To = to, Term = term, PreVote = true, LastEntry = previous };
        yield return new RequestVoteReply { From = from, To = to, Term = term, Granted = true };
        yield return new ForwardProposals
        {
            From = from, To = to, Term = term,
            Proposals = new Proposal[]
            {
                new(new ProposalId(from, 0x53), "first"u8.ToArray()), new(new ProposalId(to, 0x54), new byte[70_000]),
            },
        };
        yield return new RejectProposals
        {
            From = from, To = to, Term = term, FirstSequence = 0x55, LastSequence = 0x56, Reason = RejectReason.Busy,
        };
        yield return new ReadIndexRequest { From = from, To = to, Term = term, ReadId = 0x61 };
        yield return new ReadIndexReply { From = from, To = to, Term = term, ReadId = 0x62, Granted = true, Index = new LogIndex(0x34) };
        yield return new TimeoutNow { From = from, To = to, Term = term, LastIndex = new LogIndex(0x35) };
        yield return new StateHashReport { From = from, To = to, Term = term, Index = new LogIndex(0x36), Hash = 0x71 };
        foreach (var bytes in new[] { 0, 1, 4096, 65_536, 1 << 20, 8 << 20, 3 })
            yield return OneEntry(from, to, (ulong)bytes + 1, bytes);
    }
}
