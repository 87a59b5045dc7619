using Quorate.Kv;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests;

/// <summary>A fake node that records its calls and returns scripted results.</summary>
internal sealed class FakeRaftNode : IRaftNode
{
    public NodeStatus Status { get; set; }

    public (int Proposals, int Reads) Pending => (0, 0);

    public RequestOutcome BarrierOutcome { get; set; } = RequestOutcome.Completed;

    public RequestOutcome ProposalOutcome { get; set; } = RequestOutcome.Completed;

    public List<KvRequest> Proposed { get; } = [];

    public ValueTask<KvProposalResult> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation)
    {
        Proposed.Add(KvCommandCodec.Decode(command));
        return ValueTask.FromResult(new KvProposalResult(ProposalOutcome, default));
    }

    public ValueTask<RequestOutcome> ReadBarrierAsync(CancellationToken cancellation) => ValueTask.FromResult(BarrierOutcome);

    public Task WaitForLeaderAsync(CancellationToken cancellation) => Task.CompletedTask;
}
