using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;

var me = new NodeId(1);
var counter = new Counter();
await using var node = await RaftNode.StartAsync(new RaftNodeOptions
{
    NodeId = me,
    ClusterId = 0xC0DE,
    DataDirectory = "data/1",
    Members = new Dictionary<NodeId, PeerAddress> { [me] = new("127.0.0.1", 7100) }, // alone here; three or five in earnest
}, counter);

using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10)); // without a majority there is no answer
await node.WaitForLeaderAsync(patience.Token);

var added = await node.ProposeAsync(BitConverter.GetBytes(5L), patience.Token); // committed with a result, rejected, or indeterminate
Console.WriteLine($"{added.Outcome}: {added.Result}");

if ((await node.ReadBarrierAsync(patience.Token)).IsGranted) // from here on, reading the counter is linearizable
    Console.WriteLine($"the counter is {counter.Value}");

internal sealed class Counter : IStateMachine<long>
{
    public long Value { get; private set; }

    public long Apply(in CommittedCommand command) => Value += BitConverter.ToInt64(command.Command.Span);
}
