namespace Quorate.Node.Transport;

/// <summary>The kinds of frames. A number never changes its meaning.</summary>
internal enum WireFrameKind : byte
{
    AppendEntries = 1,
    AppendEntriesReply = 2,
    RequestVote = 3,
    RequestVoteReply = 4,
    ForwardProposals = 5,
    RejectProposals = 6,
    ReadIndexRequest = 7,
    ReadIndexReply = 8,
    FetchSnapshot = 9,
    FetchSnapshotReply = 10,
    TimeoutNow = 11,
    StateHashReport = 12,
}
