// A dictionary on three processes: dotnet run -- 1, dotnet run -- 2, dotnet run -- 3. Then type commands. Stop one: the others continue.
using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Node.Typed;
using Quorate.Raft;

if (args is not ["1" or "2" or "3"]) throw new ArgumentException("usage: dotnet run -- <1|2|3>");
using var logs = LoggerFactory.Create(builder => builder.AddSimpleConsole(console => console.SingleLine = true));
var dictionary = new ReplicatedDictionary();
var options = new RaftNodeOptions
{
    NodeId = new NodeId(ulong.Parse(args[0])), ClusterId = 0xD1C7, DataDirectory = $"data/{args[0]}",
    LoggerFactory = logs, Meter = new System.Diagnostics.Metrics.Meter("Dictionary"),
    Members = Enumerable.Range(1, 3).ToDictionary(n => new NodeId((ulong)n), n => new PeerAddress("127.0.0.1", 7110 + n)),
};
var codec = new JsonCommandCodec<Command>(CommandContext.Default.Command);
await using var node = await TypedRaftNode.StartAsync(options, codec, dictionary);
while (Console.ReadLine()?.Split(' ', 3) is { } line) // requests wait until two processes are running
    Console.WriteLine(line switch
    {
        ["put", var key, var value] => $"{await node.ProposeAsync(new Command(key, value))}",
        ["remove", var key] => $"{await node.ProposeAsync(new Command(key, null))}",
        ["get", var key] => (await node.ReadBarrierAsync()).IsGranted ? dictionary.Values.GetValueOrDefault(key, "(none)") : "busy",
        _ => "put KEY VALUE, get KEY or remove KEY",
    });

internal sealed record Command(string Key, string? Value);

[JsonSerializable(typeof(Command))] internal sealed partial class CommandContext : JsonSerializerContext;

internal sealed class ReplicatedDictionary : ITypedStateMachine<Command, int>
{
    public ImmutableDictionary<string, string> Values { get; private set; } = ImmutableDictionary<string, string>.Empty;

    public int Apply(EntryId id, Command command) => // returns the number of keys
        (Values = command.Value is { } value ? Values.SetItem(command.Key, value) : Values.Remove(command.Key)).Count;
}
