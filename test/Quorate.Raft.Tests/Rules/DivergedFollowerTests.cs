namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// Divergence costs one round trip for each term in which the logs differ, not a heartbeat interval, and not one for each entry.
/// </summary>
public sealed class DivergedFollowerTests
{
    [Fact]
    public void A_rejected_probe_with_entries_is_followed_by_the_next_probe_at_once()
    {
        var leader = Given.Leader(id: 1, term: 9, log: [1, 4, 4, 8]);
        leader.EndIteration();
        var probe = leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2));
        Assert.Equal(Given.Id((8, 4)), probe.Previous);
        Assert.Equal(1, probe.Entries.Length);

        leader.Receive(Given.Rejected(from: 2, to: 1, term: 9, index: 4, hint: (4, 3)));
        leader.EndIteration();
        probe = leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2));
        Assert.Equal(Given.Id((4, 3)), probe.Previous);
        Assert.Equal(2, probe.Entries.Length);

        leader.Receive(Given.Rejected(from: 2, to: 1, term: 9, index: 3, hint: (1, 1)));
        leader.EndIteration();
        probe = leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2));
        Assert.Equal(Given.Id((1, 1)), probe.Previous);
        Assert.Equal(4, probe.Entries.Length);
    }
}
