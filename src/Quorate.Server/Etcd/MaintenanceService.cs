using Grpc.Core;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>etcd's Maintenance service: how this member stands. What is not here yet answers Unimplemented.</summary>
internal sealed class MaintenanceService(IReplica replica, IStoreReader store, Headers headers) : Maintenance.MaintenanceBase
{
    private const long EmptyStoreBytes = 4096;

    /// <inheritdoc/>
    public override Task<StatusResponse> Status(StatusRequest request, ServerCallContext context) => Task.FromResult(Status());

    /// <summary>How this member stands, without asking anybody else.</summary>
    public StatusResponse Status()
    {
        // Never 0, not even when empty: operators' tools divide by it.
        var size = Math.Max(store.SizeBytes, EmptyStoreBytes);
        var status = replica.Status;
        var answer = new StatusResponse
        {
            Header = headers.At(store.Revision),
            Version = Versions.EtcdServer,
            StorageVersion = Versions.EtcdCluster,
            DbSize = size,
            DbSizeInUse = size,
            Leader = status.Leader,
            RaftIndex = status.CommitIndex,
            RaftTerm = status.Term,
            RaftAppliedIndex = status.AppliedIndex,
        };
        if (status.Leader == 0)
            answer.Errors.Add("etcdserver: no leader");
        return answer;
    }

    /// <inheritdoc/>
    public override Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context) => HashKvAsync(request);

    /// <summary>A checksum of this member's keys and their history, for comparing it with the others'.</summary>
    public Task<HashKVResponse> HashKvAsync(HashKVRequest request) => Task.Run(() => store.HashKv(request.Revision, out var hash) is { } error
        ? throw EtcdErrors.Of(error)
        : new HashKVResponse
        {
            Header = headers.At(store.Revision),
            Hash = hash.Hash,
            CompactRevision = hash.CompactRevision,
            HashRevision = hash.HashRevision,
        });
}
