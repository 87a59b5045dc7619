// A counter that is replicated over three processes. Start it three times:
//
//   dotnet run --project samples/Counter -- 1
//   dotnet run --project samples/Counter -- 2
//   dotnet run --project samples/Counter -- 3
//
// Then type a number in any of them to add it, or an empty line to read. Stop one process: the other two continue.

using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;

if (args is not [var name, ..] || !ulong.TryParse(name, out var self) || self is < 1 or > 3)
{
    Console.Error.WriteLine("usage: Counter <1|2|3> [data directory]");
    return 1;
}

var counter = new Counter();
var options = new RaftNodeOptions
{
    NodeId = new NodeId(self),
    ClusterId = 0xC0DE,
    DataDirectory = args.Length > 1 ? args[1] : Path.Combine(Path.GetTempPath(), $"quorate-counter-{self}"),
    Members = Enumerable.Range(1, 3).ToDictionary(n => new NodeId((ulong)n), n => new PeerAddress("127.0.0.1", 7100 + n)),
};

await using var node = await RaftNode.StartAsync(options, counter);
Console.WriteLine($"counter {self} of 3, waiting for a leader");
Console.WriteLine($"leader is {(await node.WaitForLeaderAsync()).Leader}; type a number to add it, or an empty line to read");

while (Console.ReadLine() is { } line)
{
    // With only one of three processes running there is no majority, and a request would wait.
    using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
    if (line.Length == 0)
    {
        var read = await node.ReadBarrierAsync(timeout.Token);
        var reason = read.Reason?.ToString() ?? "timed out after 5 s";
        Console.WriteLine(read.IsGranted ? $"the counter is {counter.Value}" : $"cannot read: {reason}");
    }
    else if (long.TryParse(line, out var amount))
    {
        var added = await node.ProposeAsync(Counter.Add(amount), timeout.Token);
        Console.WriteLine(added.IsCommitted ? $"the counter is now {added.Result}" : $"not added: {added.Outcome} {added.Reason}");
    }
}

return 0;
