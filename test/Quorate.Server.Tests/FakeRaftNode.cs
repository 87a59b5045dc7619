using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;

namespace Quorate.Server.Tests;

/// <summary>What a <see cref="FakeRaftNode"/> answers to a request.</summary>
public enum FakeAnswer
{
    /// <summary>The proposal is committed, or the read is granted.</summary>
    Completed,

    /// <summary>Rejected: no leader.</summary>
    NoLeader,

    /// <summary>Rejected: too many requests.</summary>
    Busy,

    /// <summary>Rejected: too large.</summary>
    TooLarge,

    /// <summary>Rejected: space is short.</summary>
    NoSpace,

    /// <summary>The caller stopped waiting: the outcome of a proposal is open, and a read throws.</summary>
    Indeterminate,

    /// <summary>The request was cancelled before the node accepted it.</summary>
    Cancelled,

    /// <summary>The node has stopped.</summary>
    Stopped,
}

/// <summary>A fake node that records its calls and returns scripted answers: the given ones in order, then the last one again.</summary>
internal sealed class FakeRaftNode(params FakeAnswer[] answers) : IRaftNode<KvResult>
{
    private int _callCount;
    private int _waiters;

    public RaftStatus Status { get; set; } = new() { Leader = new NodeId(1), Term = new Term(1) };

    public Task Completion { get; } = new TaskCompletionSource().Task;

    /// <summary>The answer to read barriers, if it differs from that to proposals.</summary>
    public FakeAnswer? BarrierAnswer { get; set; }

    /// <summary>The answer to proposals, if it differs from that to read barriers.</summary>
    public FakeAnswer? ProposalAnswer { get; set; }

    /// <summary>Runs at each call, before it returns.</summary>
    public Action Calling { get; init; } = static () => { };

    /// <summary>Applies a proposal that is answered with <see cref="FakeAnswer.Completed"/>, and returns its result.</summary>
    public Func<ReadOnlyMemory<byte>, ProposalResult<KvResult>> Commit { get; init; } =
        static _ => new() { Outcome = ProposalOutcome.Committed };

    /// <summary>Delays the answer to each proposal, for example until the test completes it.</summary>
    public Func<Task>? Delay { get; init; }

    public List<ReadOnlyMemory<byte>> Proposed { get; } = [];

    /// <summary>The number of proposals and read barriers.</summary>
    public int CallCount => _callCount;

    /// <summary>The number of calls that waited for a leader.</summary>
    public int Waiters => Volatile.Read(ref _waiters);

    public async ValueTask<ProposalResult<KvResult>> ProposeAsync(
        ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default)
    {
        Proposed.Add(command);
        if (Delay is not null)
            await Delay();
        return (ProposalAnswer ?? Next()) switch
        {
            FakeAnswer.Completed => Commit(command),
            FakeAnswer.Indeterminate => new ProposalResult<KvResult> { Outcome = ProposalOutcome.Indeterminate },
            var other => new ProposalResult<KvResult> { Outcome = ProposalOutcome.Rejected, Reason = ReasonOrThrow(other) },
        };
    }

    public ValueTask<ProposalResult<KvResult>> ProposeAsync(
        ReadOnlyMemory<byte> command, ProposalOptions options, CancellationToken cancellationToken = default) =>
        ProposeAsync(command, cancellationToken);

    public ValueTask<ReadResult> ReadBarrierAsync(CancellationToken cancellationToken = default) =>
        ReadBarrierAsync(default, cancellationToken);

    public ValueTask<ReadResult> ReadBarrierAsync(ReadOptions options, CancellationToken cancellationToken = default) =>
        (BarrierAnswer ?? Next()) switch
        {
            FakeAnswer.Completed => new(new ReadResult { IsGranted = true }),
            var other => new(new ReadResult { Reason = ReasonOrThrow(other) }),
        };

    public async ValueTask<RaftStatus> WaitForLeaderAsync(CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _waiters);
        if (!Status.HasLeader)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        return Status;
    }

    public IAsyncEnumerable<RaftStatus> WatchLeadershipAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("the fake has no changes of leadership");

    /// <summary>The result of transfers.</summary>
    public LeadershipTransferResult TransferResult { get; init; }

    /// <summary>The targets of the requested transfers.</summary>
    public List<NodeId> TransferTargets { get; } = [];

    public ValueTask<LeadershipTransferResult> TransferLeadershipAsync(
        NodeId target = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        TransferTargets.Add(target);
        return new(TransferResult);
    }

    public ValueTask<LeadershipTransferResult> StepDownAsync(CancellationToken cancellationToken = default) =>
        TransferLeadershipAsync(cancellationToken: cancellationToken);

    private FakeAnswer Next()
    {
        Calling();
        var call = Interlocked.Increment(ref _callCount);
        return answers.Length == 0 ? FakeAnswer.Completed : answers[Math.Min(call, answers.Length) - 1];
    }

    private static RejectReason ReasonOrThrow(FakeAnswer answer) => answer switch
    {
        FakeAnswer.NoLeader => RejectReason.NoLeader,
        FakeAnswer.Busy => RejectReason.Busy,
        FakeAnswer.TooLarge => RejectReason.TooLarge,
        FakeAnswer.NoSpace => RejectReason.NoSpace,
        FakeAnswer.Stopped => throw new NodeStoppedException(),
        _ => throw new OperationCanceledException(),
    };
}
