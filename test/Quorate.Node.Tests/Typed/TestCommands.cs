using System.Text.Json.Serialization;
using Quorate.Node.Typed;
using Quorate.Raft;

namespace Quorate.Node.Tests.Typed;

[JsonPolymorphic]
[JsonDerivedType(typeof(Add), "add")]
[JsonDerivedType(typeof(Append), "append")]
internal abstract record TestCommand;

internal sealed record Add(int Number) : TestCommand;

internal sealed record Append(string Text) : TestCommand;

/// <summary>A kind of command that the codec does not know.</summary>
internal sealed record Unregistered : TestCommand;

[JsonSerializable(typeof(TestCommand))]
internal sealed partial class TestCommandContext : JsonSerializerContext;

/// <summary>Records the commands in log order. Its result is how many there are.</summary>
internal sealed class TestCommandList : ITypedStateMachine<TestCommand, int>
{
    private readonly Lock _lock = new();
    private readonly List<TestCommand> _commands = [];

    public LogIndex Published { get; private set; }

    public TestCommand[] Commands
    {
        get
        {
            lock (_lock)
                return [.. _commands];
        }
    }

    public int Apply(EntryId id, TestCommand command)
    {
        lock (_lock)
        {
            _commands.Add(command);
            return _commands.Count;
        }
    }

    public void BatchApplied(LogIndex last) => Published = last;
}
