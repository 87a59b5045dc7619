// A counter that three processes agree on. Start it three times:
//
//   dotnet run --project samples/Counter -- 1
//   dotnet run --project samples/Counter -- 2
//   dotnet run --project samples/Counter -- 3
//
// then type a number in any of them to add it, or nothing to read. End one and go on with the other two.

using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;

if (args is not [var name, ..] || !ulong.TryParse(name, out var me) || me is < 1 or > 3)
{
    Console.Error.WriteLine("usage: Counter <1|2|3> [data folder]");
    return 1;
}

var counter = new Counter();
var options = new RaftNodeOptions
{
    NodeId = new NodeId(me),
    ClusterId = 0xC0DE,
    DataDirectory = args.Length > 1 ? args[1] : Path.Combine(Path.GetTempPath(), $"quorate-counter-{me}"),
    Members = Enumerable.Range(1, 3).ToDictionary(n => new NodeId((ulong)n), n => new PeerAddress("127.0.0.1", 7100 + n)),
};

await using var node = await RaftNode.StartAsync(options, counter);
Console.WriteLine($"counter {me} of 3, waiting for a leader");
Console.WriteLine($"leader is {(await node.WaitForLeaderAsync()).Leader}; type a number to add it, nothing to read");

while (Console.ReadLine() is { } line)
{
    // With two of the three gone there is nobody to answer.
    using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
    if (line.Length == 0)
    {
        var read = await node.ReadBarrierAsync(patience.Token);
        Console.WriteLine(read.IsGranted ? $"the counter is {counter.Value}" : $"cannot read: {read.Reason?.ToString() ?? "no answer in 5 s"}");
    }
    else if (long.TryParse(line, out var amount))
    {
        var added = await node.ProposeAsync(Counter.Add(amount), patience.Token);
        Console.WriteLine(added.IsCommitted ? $"the counter is now {added.Result}" : $"not added: {added.Outcome} {added.Reason}");
    }
}

return 0;
