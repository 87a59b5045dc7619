namespace Quorate.Raft.Tests;

/// <summary>Builds messages, each in one line.</summary>
internal static partial class Given
{
    /// <summary>
    /// Entries of these terms, the first at index <paramref name="from"/>; the payload of each entry is its term and index.
    /// </summary>
    public static LogEntry[] Entries(ulong from, params ReadOnlySpan<ulong> terms)
    {
        var entries = new LogEntry[terms.Length];
        for (var i = 0; i < terms.Length; i++)
        {
            var index = from + (ulong)i;
            entries[i] = new LogEntry(
                Id((terms[i], index)), EntryKind.Command, new ProposalId(Node(99), terms[i] * 1_000_000 + index),
                new[] { (byte)terms[i], (byte)index });
        }

        return entries;
    }

    public static Proposal Proposal(ulong origin, ulong sequence, int bytes = 3) =>
        new(new ProposalId(Node(origin), sequence), new byte[bytes]);

    public static AppendEntries Append(
        ulong from, ulong to, ulong term, (ulong Term, ulong Index) previous,
        ReadOnlySpan<ulong> entries = default, ulong commit = 0, ulong round = 0) =>
        new()
        {
            From = Node(from), To = Node(to), Term = new Term(term), Previous = Id(previous),
            Entries = Entries(previous.Index + 1, entries), LeaderCommit = At(commit), Round = round,
        };

    public static AppendEntries Heartbeat(
        ulong from, ulong to, ulong term, (ulong Term, ulong Index) previous = default, ulong commit = 0, ulong round = 0) =>
        Append(from, to, term, previous, [], commit, round);

    public static AppendEntriesReply Accepted(ulong from, ulong to, ulong term, ulong index, ulong round = 0) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), Accepted = true, Index = At(index), Round = round };

    public static AppendEntriesReply Rejected(
        ulong from, ulong to, ulong term, ulong index, (ulong Term, ulong Index) hint, ulong round = 0) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), Index = At(index), Hint = Id(hint), Round = round };

    public static RequestVote Vote(ulong from, ulong to, ulong term, (ulong Term, ulong Index) last = default) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), LastEntry = Id(last) };

    public static RequestVote PreVote(ulong from, ulong to, ulong term, (ulong Term, ulong Index) last = default) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), LastEntry = Id(last), PreVote = true };

    public static RequestVoteReply VoteReply(ulong from, ulong to, ulong term, bool granted = true) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), Granted = granted };

    public static RequestVoteReply PreVoteReply(ulong from, ulong to, ulong term, bool granted = true) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), Granted = granted, PreVote = true };

    public static ForwardProposals Forward(ulong from, ulong to, ulong term, params ReadOnlySpan<ulong> sequences)
    {
        var proposals = new Proposal[sequences.Length];
        for (var i = 0; i < sequences.Length; i++)
            proposals[i] = Proposal(from, sequences[i]);
        return new ForwardProposals { From = Node(from), To = Node(to), Term = new Term(term), Proposals = proposals };
    }

    public static RejectProposals ProposalRejection(ulong from, ulong to, ulong term, ulong first, ulong last) =>
        new()
        {
            From = Node(from), To = Node(to), Term = new Term(term),
            FirstSequence = first, LastSequence = last, Reason = RejectReason.Busy
        };

    public static ReadIndexRequest ReadRequest(ulong from, ulong to, ulong term, ulong readId) =>
        new() { From = Node(from), To = Node(to), Term = new Term(term), ReadId = readId };
}
