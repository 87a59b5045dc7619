using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Quorate.Node.Typed;
using Quorate.Raft;

namespace Quorate.Verification.Tests.PublicApi;

/// <summary>A state machine with typed commands runs in the simulator behind its adapter.</summary>
public sealed class TypedStateMachineTests
{
    private static readonly JsonCommandCodec<SetCommand> _codec = new(SetCommandContext.Default.SetCommand);

    [Fact]
    public void A_typed_state_machine_passes_with_all_faults()
    {
        foreach (var seed in ClusterSimulation.Seeds(5))
        {
            ClusterSimulation.Run(
                seed,
                () => new DecodingStateMachine<SetCommand, int>(_codec, new TypedDictionary()),
                (VirtualClient<DecodingStateMachine<SetCommand, int>, int> client) => SetAndGet(client),
                checks: new() { FinalState = FinalState });
        }
    }

    private static async Task SetAndGet(VirtualClient<DecodingStateMachine<SetCommand, int>, int> client)
    {
        var key = client.Random.Next(5);
        var command = new ArrayBufferWriter<byte>();
        _codec.Encode(new SetCommand(key, client.Random.Next(100)), command);
        await client.ProposeAsync(command.WrittenSpan.ToArray(), $"set {key}");
        await client.ReadAsync(adapter => Published(adapter).GetValueOrDefault(key, -1), $"get {key}");
    }

    private static KeyValuePair<int, int>[] FinalState(DecodingStateMachine<SetCommand, int> adapter)
    {
        Assert.NotEmpty(Published(adapter));
        return [.. Published(adapter).OrderBy(pair => pair.Key)];
    }

    private static ImmutableDictionary<int, int> Published(DecodingStateMachine<SetCommand, int> adapter) =>
        ((TypedDictionary)adapter.StateMachine).Published;

    /// <summary>Readers see the commands of a batch only when the whole batch is applied.</summary>
    private sealed class TypedDictionary : ITypedStateMachine<SetCommand, int>
    {
        private ImmutableDictionary<int, int> _values = ImmutableDictionary<int, int>.Empty;

        public ImmutableDictionary<int, int> Published { get; private set; } = ImmutableDictionary<int, int>.Empty;

        public int Apply(EntryId id, SetCommand command) => (_values = _values.SetItem(command.Key, command.Value)).Count;

        public void BatchApplied(LogIndex last) => Published = _values;
    }
}

internal sealed record SetCommand(int Key, int Value);

[JsonSerializable(typeof(SetCommand))]
internal sealed partial class SetCommandContext : JsonSerializerContext;
