using Quorate.Raft;

namespace Quorate.Node.Tests.Typed;

/// <summary>A node that records what is proposed and commits it at once.</summary>
internal sealed class FakeRaftNode : IRaftNode<int>, IAsyncDisposable
{
    public List<(byte[] Command, ProposalOptions Options)> Proposed { get; } = [];

    public bool IsDisposed { get; private set; }

    public RaftStatus Status => default;

    public Task Completion => Task.CompletedTask;

    public ValueTask<ProposalResult<int>> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default) =>
        ProposeAsync(command, default, cancellationToken);

    public ValueTask<ProposalResult<int>> ProposeAsync(
        ReadOnlyMemory<byte> command, ProposalOptions options, CancellationToken cancellationToken = default)
    {
        Proposed.Add((command.ToArray(), options));
        return ValueTask.FromResult(new ProposalResult<int> { Outcome = ProposalOutcome.Committed, Result = Proposed.Count });
    }

    public ValueTask<ReadResult> ReadBarrierAsync(CancellationToken cancellationToken = default) =>
        ReadBarrierAsync(default, cancellationToken);

    public ValueTask<ReadResult> ReadBarrierAsync(ReadOptions options, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(new ReadResult { IsGranted = true });

    public ValueTask<RaftStatus> WaitForLeaderAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(Status);

    public async IAsyncEnumerable<RaftStatus> WatchLeadershipAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        yield return Status;
    }

    public ValueTask<LeadershipTransferResult> TransferLeadershipAsync(
        NodeId target = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(new LeadershipTransferResult { Leader = target });

    public ValueTask<LeadershipTransferResult> StepDownAsync(CancellationToken cancellationToken = default) =>
        TransferLeadershipAsync(cancellationToken: cancellationToken);

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return default;
    }
}
