using Quorate.Node.Typed;
using Quorate.Raft;

namespace Quorate.Node.Tests.Typed;

/// <summary>
/// The adapter applies only commands that decode, and passes the snapshot methods on; a state machine without them says so.
/// </summary>
public sealed class DecodingStateMachineTests
{
    private static readonly JsonCommandCodec<TestCommand> _codec = new(TestCommandContext.Default.TestCommand);
    private static readonly EntryId _last = new(new Term(2), new LogIndex(9));

    [Fact]
    public void A_captured_snapshot_is_not_changed_by_later_commands_and_replaces_the_state_of_another_member()
    {
        IStateMachine<long> source = new DecodingStateMachine<TestCommand, long>(_codec, new Sum());
        Apply(source, """{"$type":"add","Number":5}""");
        using var snapshot = source.CaptureSnapshot();
        Apply(source, """{"$type":"add","Number":100}""");
        using var bytes = new MemoryStream();
        snapshot!.WriteTo(bytes);

        var restored = new Sum();
        IStateMachine<long> target = new DecodingStateMachine<TestCommand, long>(_codec, restored);
        Apply(target, """{"$type":"add","Number":1000}""");
        bytes.Position = 0;
        target.RestoreSnapshot(_last, bytes);

        Assert.Equal((5, _last), (restored.Value, restored.RestoredTo));
    }

    [Fact]
    public void The_hash_of_the_state_is_that_of_the_typed_state_machine()
    {
        IStateMachine<long> hashed = new DecodingStateMachine<TestCommand, long>(_codec, new Sum());
        Apply(hashed, """{"$type":"add","Number":5}""");
        Assert.Equal(5ul, hashed.StateHash);

        IStateMachine<int> typed = new DecodingStateMachine<TestCommand, int>(_codec, new TestCommandList());
        Assert.Null(typed.StateHash);
        Assert.Null(((IStateMachine<int>)new WithoutSnapshots()).StateHash);
    }

    [Fact]
    public void A_state_machine_without_the_snapshot_methods_captures_nothing_and_refuses_to_restore()
    {
        IStateMachine<int> typed = new DecodingStateMachine<TestCommand, int>(_codec, new TestCommandList());
        Assert.Null(typed.CaptureSnapshot());
        var refused = Assert.Throws<NotSupportedException>(() => typed.RestoreSnapshot(_last, Stream.Null));
        Assert.Contains("TestCommandList cannot restore a snapshot", refused.Message, StringComparison.Ordinal);

        IStateMachine<int> untyped = new WithoutSnapshots();
        Assert.Null(untyped.CaptureSnapshot());
        refused = Assert.Throws<NotSupportedException>(() => untyped.RestoreSnapshot(_last, Stream.Null));
        Assert.Contains("WithoutSnapshots cannot restore a snapshot", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_committed_command_that_does_not_decode_is_refused_with_its_entry()
    {
        var sum = new Sum();
        IStateMachine<long> typed = new DecodingStateMachine<TestCommand, long>(_codec, sum);

        var refused = Assert.Throws<StateMachineException>(() => Apply(typed, """{"$type":"multiply"}"""));

        Assert.Contains("The command of entry 1 in term 1", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, sum.Value);
    }

    private sealed class WithoutSnapshots : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command) => 0;
    }

    private static void Apply(IStateMachine<long> stateMachine, string json) =>
        stateMachine.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(1)), System.Text.Encoding.UTF8.GetBytes(json)));

    private sealed class Sum : ITypedStateMachine<TestCommand, long>
    {
        public long Value { get; private set; }

        public EntryId RestoredTo { get; private set; }

        public long Apply(EntryId id, TestCommand command) => Value += ((Add)command).Number;

        public ulong? StateHash => (ulong)Value;

        public IStateMachineSnapshot CaptureSnapshot() => new View(Value);

        public void RestoreSnapshot(EntryId last, Stream source)
        {
            var bytes = new byte[8];
            source.ReadExactly(bytes);
            (Value, RestoredTo) = (BitConverter.ToInt64(bytes), last);
        }

        private sealed class View(long value) : IStateMachineSnapshot
        {
            public void WriteTo(Stream destination) => destination.Write(BitConverter.GetBytes(value));

            public void Dispose()
            {
            }
        }
    }
}
