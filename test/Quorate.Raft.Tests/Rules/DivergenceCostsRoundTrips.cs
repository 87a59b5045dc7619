namespace Quorate.Raft.Tests.Rules;

/// <summary>Divergence costs one round trip for each term in which the logs part, not a heartbeat interval, and not one for each entry.</summary>
public sealed class DivergenceCostsRoundTrips
{
    [Fact]
    public void A_refused_probe_is_followed_by_the_next_at_once_even_when_it_carried_entries()
    {
        var leader = Given.Leader(id: 1, term: 9, log: [1, 4, 4, 8]);
        leader.EndTurn();
        var probe = leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2));
        Assert.Equal(Given.Id((8, 4)), probe.Previous);
        Assert.Equal(1, probe.Entries.Length);

        leader.Receive(Given.Refused(from: 2, to: 1, term: 9, index: 4, hint: (4, 3)));
        leader.EndTurn();
        probe = leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2));
        Assert.Equal(Given.Id((4, 3)), probe.Previous);
        Assert.Equal(2, probe.Entries.Length);

        leader.Receive(Given.Refused(from: 2, to: 1, term: 9, index: 3, hint: (1, 1)));
        leader.EndTurn();
        probe = leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2));
        Assert.Equal(Given.Id((1, 1)), probe.Previous);
        Assert.Equal(4, probe.Entries.Length);
    }
}
