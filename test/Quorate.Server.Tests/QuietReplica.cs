using Quorate.Kv;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests;

/// <summary>A replica that writes down what it is asked and answers as it was told to.</summary>
internal sealed class QuietReplica : IReplica
{
    public ReplicaStatus Status { get; set; }

    public ReplicaVerdict Barrier { get; set; } = ReplicaVerdict.Done;

    public ReplicaVerdict Verdict { get; set; } = ReplicaVerdict.Done;

    public List<KvRequest> Proposed { get; } = [];

    public ValueTask<Proposed> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation)
    {
        Proposed.Add(KvCommand.Decode(command));
        return ValueTask.FromResult(new Proposed(Verdict, default));
    }

    public ValueTask<ReplicaVerdict> ReadBarrierAsync(CancellationToken cancellation) => ValueTask.FromResult(Barrier);

    public Task LeaderKnownAsync(CancellationToken cancellation) => Task.CompletedTask;
}
