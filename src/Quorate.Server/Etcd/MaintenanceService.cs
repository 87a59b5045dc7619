using Grpc.Core;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>etcd's Maintenance service: how this member stands. What is not here yet answers Unimplemented.</summary>
internal sealed class MaintenanceService(IRaftNode node, IStoreReader store, ResponseHeaders headers) : Maintenance.MaintenanceBase
{
    private const long EmptyStoreBytes = 4096;

    /// <inheritdoc/>
    public override Task<StatusResponse> Status(StatusRequest request, ServerCallContext context) => Task.FromResult(Status());

    /// <summary>How this member stands, without asking anybody else.</summary>
    public StatusResponse Status()
    {
        // Never 0, not even when empty: operators' tools divide by it.
        var size = Math.Max(store.SizeBytes, EmptyStoreBytes);
        var status = node.Status;
        var response = new StatusResponse
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
            response.Errors.Add("etcdserver: no leader");
        return response;
    }

    /// <inheritdoc/>
    public override Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context) => AlarmAsync(request);

    /// <summary>Lists the alarms, or ends some. There is no quota and no check of members against each other yet that could raise one, so there are none.</summary>
    public Task<AlarmResponse> AlarmAsync(AlarmRequest request) => request.Action switch
    {
        AlarmRequest.Types.AlarmAction.Get or AlarmRequest.Types.AlarmAction.Deactivate =>
            Task.FromResult(new AlarmResponse { Header = headers.At(store.Revision) }),
        _ => throw new RpcException(new Status(StatusCode.Unimplemented, "quorate: alarms are not raised by request")),
    };

    /// <inheritdoc/>
    public override Task<DefragmentResponse> Defragment(DefragmentRequest request, ServerCallContext context) => DefragmentAsync();

    /// <summary>Done at once: what a compaction frees, the store gives back by itself, and nothing is left to be drawn together.</summary>
    public static Task<DefragmentResponse> DefragmentAsync() => Task.FromResult(new DefragmentResponse());

    /// <inheritdoc/>
    public override Task<HashResponse> Hash(HashRequest request, ServerCallContext context) => HashAsync();

    /// <summary>A checksum of all that this member has applied, leases included.</summary>
    public Task<HashResponse> HashAsync() => Task.Run(() =>
    {
        var current = store.Current;
        return new HashResponse { Header = headers.At(current.Revision), Hash = current.Hash() };
    });

    /// <inheritdoc/>
    public override Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context) => HashKvAsync(request);

    /// <summary>A checksum of this member's keys and their history, for comparing it with the others'.</summary>
    public Task<HashKVResponse> HashKvAsync(HashKVRequest request) => Task.Run(() => store.HashKv(request.Revision, out var hash) is { } error
        ? throw EtcdErrors.From(error)
        : new HashKVResponse
        {
            Header = headers.At(store.Revision),
            Hash = hash.Hash,
            CompactRevision = hash.CompactRevision,
            HashRevision = hash.HashRevision,
        });
}
