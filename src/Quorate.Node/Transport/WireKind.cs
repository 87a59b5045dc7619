namespace Quorate.Node.Transport;

/// <summary>What a frame carries. A number, once given, never means anything else.</summary>
internal enum WireKind : byte
{
    AppendEntries = 1,
    AppendEntriesReply = 2,
    RequestVote = 3,
    RequestVoteReply = 4,
    ForwardProposals = 5,
    RefuseProposals = 6,
    ReadIndexRequest = 7,
    ReadIndexReply = 8,
}
