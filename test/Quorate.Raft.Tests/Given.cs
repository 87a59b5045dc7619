using System.Globalization;

namespace Quorate.Raft.Tests;

/// <summary>Builds nodes in a known state, each in one line. A log is given as the list of its entries' terms, from index 1 on.</summary>
internal static partial class Given
{
    /// <summary>The election timeout of every node built here, in ticks; the heartbeat interval is a tenth of it.</summary>
    public const int ElectionTicks = 20;

    /// <summary>Voters 1 to <paramref name="size"/>.</summary>
    public static Configuration Voters(int size) => new(Enumerable.Range(1, size).Select(i => Node((ulong)i)));

    /// <summary>Builds a configuration from lists of ids separated by spaces.</summary>
    public static Configuration Configuration(string voters, string outgoing = "", string learners = "") =>
        new(Ids(voters), Ids(outgoing), Ids(learners));

    public static RaftOptions Options(ulong id = 1) =>
        new() { Self = Node(id), Seed = 42 + id, ElectionTicks = ElectionTicks, HeartbeatTicks = ElectionTicks / 10 };

    /// <summary>
    /// A node that has just started with this state on its disk; if <paramref name="leader"/> is given, it has received a heartbeat from
    /// it.
    /// </summary>
    public static TestNode Follower(
        ulong id = 2, ulong term = 1, ulong[]? log = null, ulong commit = 0, ulong vote = 0, ulong leader = 0,
        int size = 3, Configuration? members = null, RaftOptions? options = null)
    {
        var history = new RaftSafetyChecker();
        var node = new TestNode(options ?? Options(id), members ?? Voters(size), history);
        node.Disk.Preload(new HardState(new Term(term), Node(vote)), log ?? [], At(commit));
        node.Start(cached: int.MaxValue);
        if (leader != 0)
        {
            node.Receive(Heartbeat(from: leader, to: id, term));
            node.Outbox.Clear();
        }

        return node;
    }

    /// <summary>A pre-candidate that requests pre-votes for <paramref name="term"/> + 1; the requests are in its outbox.</summary>
    public static TestNode PreCandidate(
        ulong id = 1, ulong term = 1, ulong[]? log = null, int size = 3, Configuration? members = null, RaftOptions? options = null)
    {
        var node = Follower(id, term, log, size: size, members: members, options: options);
        while (node.Core!.Role == Role.Follower)
            node.Tick();
        return node;
    }

    /// <summary>A candidate in <paramref name="term"/>; its own vote is on its disk, and its vote requests are in its outbox.</summary>
    public static TestNode Candidate(
        ulong id = 1, ulong term = 2, ulong[]? log = null, int size = 3, Configuration? members = null, RaftOptions? options = null)
    {
        var node = PreCandidate(id, term - 1, log, size, members, options);
        foreach (var other in node.Core!.Configuration.Members)
        {
            if (other.Value != id && node.Core.Role == Role.PreCandidate)
                node.Receive(PreVoteReply(from: other.Value, to: id, term));
        }

        node.Outbox.Clear();
        node.Flush();
        return node;
    }

    /// <summary>
    /// The leader of <paramref name="term"/>, just elected: its no-op is at the end of its log, neither flushed nor sent. If
    /// <paramref name="settled"/> is set, every entry is on every disk, committed and applied.
    /// </summary>
    public static TestNode Leader(
        ulong id = 1, ulong term = 2, ulong[]? log = null, bool settled = false, int size = 3,
        Configuration? members = null, RaftOptions? options = null)
    {
        var node = Candidate(id, term, log, size, members, options);
        foreach (var other in node.Core!.Configuration.Members)
        {
            if (other.Value != id && node.Core.Role == Role.Candidate)
                node.Receive(VoteReply(from: other.Value, to: id, term));
        }

        node.Outbox.Clear();
        Assert.Equal(Role.Leader, node.Core.Role);
        if (settled)
        {
            node.EndIteration();
            node.Flush();
            foreach (var other in node.Core.Configuration.Members.Where(m => m.Value != id))
                node.Receive(Accepted(from: other.Value, to: id, term, node.Core.LastIndex.Value));
            node.Apply();
            node.EndIteration();
            node.Outbox.Clear();
        }

        return node;
    }

    public static NodeId Node(ulong id) => new(id);

    public static LogIndex At(ulong index) => new(index);

    public static EntryId Id((ulong Term, ulong Index) id) => new(new Term(id.Term), new LogIndex(id.Index));

    private static IEnumerable<NodeId> Ids(string ids) =>
        ids.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => Node(ulong.Parse(i, CultureInfo.InvariantCulture)));
}
