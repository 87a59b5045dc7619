using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;

var counter = new Counter();
var members = new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", 7100) }; // three or five in production
var options = new RaftNodeOptions { NodeId = new NodeId(1), ClusterId = 0xC0DE, DataDirectory = "data/1", Members = members };
using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10)); // without a majority, requests wait

await using var node = await RaftNode.StartAsync(options, counter, timeout.Token);
await node.WaitForLeaderAsync(timeout.Token);

var added = await node.ProposeAsync(BitConverter.GetBytes(5L), timeout.Token); // committed, rejected, or indeterminate
Console.WriteLine($"{added.Outcome}: {added.Result}");

if ((await node.ReadBarrierAsync(timeout.Token)).IsGranted) // now reading the counter is linearizable
    Console.WriteLine($"the counter is {counter.Value}");

internal sealed class Counter : IStateMachine<long>
{
    public long Value { get; private set; }

    public long Apply(in CommittedCommand command) => Value += BitConverter.ToInt64(command.Command.Span);
}
