namespace Quorate.Raft.Tests;

/// <summary>Records the committed entries, rejections, reads and leaders of all nodes, and fails at the first contradiction.</summary>
internal sealed class RaftSafetyChecker
{
    private readonly List<LogEntry> _committed = [];
    private readonly Dictionary<ProposalId, LogIndex> _committedAt = [];
    private readonly Dictionary<ProposalId, RejectReason> _rejected = [];
    private readonly Dictionary<Term, NodeId> _leaders = [];
    private readonly Dictionary<(NodeId Node, ulong Ticket), LogIndex> _reads = [];

    /// <summary>The highest index that any node has applied. A client may have observed any entry up to it.</summary>
    private LogIndex _highestApplied;

    /// <summary>Checks StateMachineSafety: all nodes emit the same committed entry at the same index.</summary>
    public void OnEmitted(in LogEntry entry)
    {
        var at = (int)(entry.Index.Value - 1);
        if (at < _committed.Count)
        {
            Assert.True(
                _committed[at].Id == entry.Id && _committed[at].Proposal == entry.Proposal,
                $"two entries committed at one index: {_committed[at].Id} and {entry.Id}");
            Assert.True(_committed[at].Payload.Span.SequenceEqual(entry.Payload.Span));
            return;
        }

        Assert.Equal(_committed.Count, at);
        _committed.Add(entry);
        if (entry.Kind != EntryKind.Command)
            return;
        Assert.True(_committedAt.TryAdd(entry.Proposal, entry.Index), $"proposal {entry.Proposal} entered the log twice");
        Assert.False(
            _rejected.TryGetValue(entry.Proposal, out var reason), $"proposal {entry.Proposal} was rejected ({reason}) and then committed");
    }

    public void OnApplied(LogIndex index) => _highestApplied = LogIndex.Max(_highestApplied, index);

    public void OnRejected(in ProposalRejection rejection)
    {
        Assert.True(_rejected.TryAdd(rejection.Proposal, rejection.Reason), $"proposal {rejection.Proposal} was rejected twice");
        Assert.False(
            _committedAt.ContainsKey(rejection.Proposal),
            $"proposal {rejection.Proposal} was committed and then rejected ({rejection.Reason})");
    }

    /// <summary>Checks ElectionSafety over the whole run, not only in each state: a term never has a second leader.</summary>
    public void OnLeader(Term term, NodeId leader)
    {
        if (!_leaders.TryAdd(term, leader))
            Assert.True(_leaders[term] == leader, $"term {term} has two leaders: {_leaders[term]} and {leader}");
    }

    public void OnReadRequested(NodeId node, ulong ticket) => _reads.Add((node, ticket), _highestApplied);

    public void OnReadCompleted(NodeId node, in ReadIndexResult result)
    {
        Assert.True(_reads.Remove((node, result.Ticket), out var highestApplied), $"read {result.Ticket} of {node} was completed twice");
        if (result.RejectReason is not null)
            return;
        Assert.True(
            result.Index >= highestApplied,
            $"stale read at {node}: granted at index {result.Index}, but index {highestApplied} was applied before the read was requested");
    }

    /// <summary>Drops the reads of a crashed node: its clients have lost their connections.</summary>
    public void OnCrash(NodeId node)
    {
        foreach (var read in _reads.Keys.Where(r => r.Node == node).ToArray())
            _reads.Remove(read);
    }
}
