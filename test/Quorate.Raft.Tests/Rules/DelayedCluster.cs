namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// Nodes whose messages take some ticks, and whose state machines take none, nor do their disks unless <see cref="FlushTicks"/> is set. All
/// clocks tick together; what arrives within a tick is answered within it.
/// </summary>
/// <param name="delay">Draws the delay of the next message on a link, in ticks.</param>
/// <param name="nodes">The nodes, one for each member.</param>
internal sealed class DelayedCluster(Func<NodeId, NodeId, int> delay, params TestNode[] nodes)
{
    private readonly List<(int Due, Message Message)> _network = [];
    private readonly Dictionary<NodeId, (int Due, int Appends)> _flushes = [];

    /// <summary>The ticks since the start.</summary>
    public int Now { get; private set; }

    /// <summary>Whether a message is lost; null: none is.</summary>
    public Func<Message, bool>? IsLost { get; set; }

    /// <summary>
    /// The ticks that a flush takes at a node; null: none. A flush covers what was written when it began, and the next begins after it.
    /// </summary>
    public Func<NodeId, int>? FlushTicks { get; set; }

    /// <summary>Runs one tick: clocks, then everything that arrives by now and what follows from it without delay.</summary>
    public void Tick()
    {
        Now++;
        foreach (var node in nodes)
            node.Tick();
        do
        {
            foreach (var node in nodes)
                EndIteration(node);
        }
        while (Deliver());
    }

    /// <summary>Runs until a condition holds; fails after <paramref name="ticks"/>.</summary>
    /// <param name="ticks">The bound.</param>
    /// <param name="condition">The condition.</param>
    /// <param name="everyTick">Called before each tick.</param>
    /// <returns>The ticks it took.</returns>
    public int TicksUntil(int ticks, Func<bool> condition, Action? everyTick = null)
    {
        var start = Now;
        while (!condition())
        {
            Assert.True(Now - start < ticks, $"not within {ticks} ticks: {string.Join("; ", nodes.Select(Describe))}");
            everyTick?.Invoke();
            Tick();
        }

        return Now - start;
    }

    private void Flush(TestNode node)
    {
        var ticks = FlushTicks?.Invoke(node.Id) ?? 0;
        if (_flushes.TryGetValue(node.Id, out var flush) && Now >= flush.Due)
        {
            node.Flush(flush.Appends);
            _flushes.Remove(node.Id);
        }

        if (ticks == 0 && !_flushes.ContainsKey(node.Id))
            node.Flush();
        else if (node.Disk.Pending > 0)
            _flushes.TryAdd(node.Id, (Now + ticks, node.Disk.Pending));
    }

    private void EndIteration(TestNode node)
    {
        Flush(node);
        while (node.PendingEntriesRequests > 0)
            node.CompleteEntriesRequest();
        node.Apply();
        node.EndIteration();
        foreach (var message in node.Outbox)
        {
            var ticks = delay(message.From, message.To);
            if (IsLost?.Invoke(message) != true)
                _network.Add((Now + ticks, message));
        }

        node.Outbox.Clear();
    }

    private bool Deliver()
    {
        var arrived = _network.Where(m => m.Due <= Now).OrderBy(static m => m.Due).ToArray();
        _network.RemoveAll(m => m.Due <= Now);
        foreach (var (_, message) in arrived)
            nodes.Single(n => n.Id == message.To).Receive(message);
        return arrived.Length > 0;
    }

    private static string Describe(TestNode node) =>
        $"{node.Id} {node.Core!.Role} term {node.Core.Term} last {node.Core.LastTerm}/{node.Core.LastIndex} "
        + string.Join(", ", node.Core.Followers);
}
