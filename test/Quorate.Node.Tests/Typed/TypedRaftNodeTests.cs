using System.Buffers;
using System.Text;
using System.Text.Json;
using Quorate.Node.Transport;
using Quorate.Node.Typed;
using Quorate.Raft;

namespace Quorate.Node.Tests.Typed;

/// <summary>Commands are encoded before they are proposed; one that the members could not decode is never proposed.</summary>
public sealed class TypedRaftNodeTests : IDisposable
{
    private static readonly JsonCommandCodec<TestCommand> _json = new(TestCommandContext.Default.TestCommand);
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    [Fact]
    public async Task A_typed_command_is_applied_with_its_result_and_again_after_a_restart()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        TestCommand[] commands = [new Add(5), new Append("ü")];
        await using (var node = await TypedRaftNode.StartAsync(Options(), _json, new TestCommandList(), timeout.Token))
        {
            for (var i = 0; i < commands.Length; i++)
            {
                var result = await node.ProposeAsync(commands[i], timeout.Token);
                Assert.Equal((ProposalOutcome.Committed, i + 1), (result.Outcome, result.Result));
            }
        }

        var restarted = new TestCommandList();
        await using var again = await TypedRaftNode.StartAsync(Options(), _json, restarted, timeout.Token);
        Assert.True((await again.ReadBarrierAsync(timeout.Token)).IsGranted);
        Assert.Equal(commands, restarted.Commands);
        Assert.True(restarted.Published > LogIndex.Zero);
    }

    [Fact]
    public async Task A_command_that_does_not_encode_is_refused_in_words_and_not_proposed()
    {
        var inner = new FakeRaftNode();
        await using var node = new TypedRaftNode<TestCommand, int>(inner, _json);

        var refused = await Assert.ThrowsAsync<CommandEncodingException>(() => node.ProposeAsync(new Unregistered()).AsTask());

        Assert.Contains("a Unregistered, cannot be encoded", refused.Message, StringComparison.Ordinal);
        Assert.Contains("It was not proposed", refused.Message, StringComparison.Ordinal);
        Assert.IsType<NotSupportedException>(refused.InnerException);
        Assert.Empty(inner.Proposed);
    }

    [Fact]
    public async Task A_command_whose_encoding_does_not_decode_is_refused_in_words_and_not_proposed()
    {
        var inner = new FakeRaftNode();
        await using var node = new TypedRaftNode<TestCommand, int>(inner, new WriteOnlyCodec());

        var refused = await Assert.ThrowsAsync<CommandEncodingException>(() => node.ProposeAsync(new Add(1)).AsTask());

        Assert.Contains("cannot be decoded again: unknown kind", refused.Message, StringComparison.Ordinal);
        Assert.Empty(inner.Proposed);
    }

    [Fact]
    public async Task A_command_that_is_too_large_is_rejected_and_its_entry_is_not_in_the_log()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var stateMachine = new TestCommandList();
        await using var node = await TypedRaftNode.StartAsync(
            Options() with { MaxCommandBytes = 100 }, _json, stateMachine, timeout.Token);
        Assert.True((await node.ProposeAsync(new Add(1), timeout.Token)).IsCommitted);

        var rejected = await node.ProposeAsync(new Append(new string('x', 100)), timeout.Token);

        Assert.Equal((ProposalOutcome.Rejected, RejectReason.TooLarge), (rejected.Outcome, rejected.Reason));
        Assert.False(rejected.IsRetryable);
        Assert.True((await node.ProposeAsync(new Add(2), timeout.Token)).IsCommitted);
        Assert.Equal([new Add(1), new Add(2)], stateMachine.Commands);
    }

    [Fact]
    public async Task A_proposal_carries_the_encoding_and_the_options_of_the_caller()
    {
        var inner = new FakeRaftNode();
        await using (var node = new TypedRaftNode<TestCommand, int>(inner, _json))
            await node.ProposeAsync(new Add(7), new ProposalOptions { ExpectedTerm = new Term(3) });

        var (command, options) = Assert.Single(inner.Proposed);
        Assert.Equal("""{"$type":"add","Number":7}""", Encoding.UTF8.GetString(command));
        Assert.Equal(new Term(3), options.ExpectedTerm);
        Assert.True(inner.IsDisposed);
    }

    [Fact]
    public async Task A_cancelled_proposal_is_not_proposed()
    {
        var inner = new FakeRaftNode();
        await using var node = new TypedRaftNode<TestCommand, int>(inner, _json);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => node.ProposeAsync(new Add(1), new CancellationToken(canceled: true)).AsTask());
        Assert.Empty(inner.Proposed);
    }

    [Fact]
    public async Task A_committed_entry_that_does_not_decode_stops_the_node_and_is_named()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var options = Options();
        LogIndex bad;
        await using (var node = await TypedRaftNode.StartAsync(options, _json, new TestCommandList(), timeout.Token))
        {
            Assert.True((await node.ProposeAsync(new Add(1), timeout.Token)).IsCommitted);
            bad = node.Status.LastIndex + 1;

            // The bytes are proposed without the codec, like those of a newer version of the program.
            await node.Node.ProposeAsync("""{"$type":"multiply"}"""u8.ToArray(), timeout.Token);
            var failure = await Assert.ThrowsAsync<StateMachineException>(() => node.Completion.WaitAsync(timeout.Token));
            AssertNames(bad, failure);
        }

        // The start fails if the disk already records that the entry is committed; otherwise the node stops once it is elected.
        AssertNames(bad, await Assert.ThrowsAsync<StateMachineException>(async () =>
        {
            await using var again = await TypedRaftNode.StartAsync(options, _json, new TestCommandList(), timeout.Token);
            await again.Completion.WaitAsync(timeout.Token);
        }));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static void AssertNames(LogIndex index, StateMachineException failure)
    {
        Assert.StartsWith($"The command of entry {index} in term 1, 20 bytes, cannot be decoded as TestCommand:", failure.Message,
            StringComparison.Ordinal);
        Assert.IsType<JsonException>(failure.InnerException);
    }

    private RaftNodeOptions Options() => new()
    {
        NodeId = new NodeId(1),
        ClusterId = 7,
        DataDirectory = Path.Combine(_directory, "n1"),
        Members = new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", 7000) },
        ListenEndPoints = [new("127.0.0.1", 0)],
        SegmentBytes = 4 << 20,
        MaxCommandBytes = 64 << 10,
    };

    private sealed class WriteOnlyCodec : ICommandCodec<TestCommand>
    {
        public void Encode(TestCommand command, IBufferWriter<byte> destination) => destination.Write("?"u8);

        public TestCommand Decode(ReadOnlyMemory<byte> encoded) => throw new FormatException("unknown kind");
    }
}
