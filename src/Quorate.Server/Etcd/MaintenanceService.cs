using Grpc.Core;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Health;
using Quorate.Raft;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's gRPC Maintenance service. Calls that are not supported yet return Unimplemented.</summary>
internal sealed class MaintenanceService(
    IRaftNode<KvResult> node, Func<ClusterHealth> health, IStoreReader store, ResponseHeaderFactory headers,
    SnapshotApi snapshots, StreamCancellationMonitor guard)
    : Maintenance.MaintenanceBase
{
    private const long EmptyStoreBytes = 4096;

    /// <inheritdoc/>
    public override Task<StatusResponse> Status(StatusRequest request, ServerCallContext context) => Task.FromResult(Status());

    /// <summary>Returns the status of this member, from local state only.</summary>
    public StatusResponse Status()
    {
        // Never 0, even if the store is empty: operators' tools divide by it.
        var size = Math.Max(store.SizeBytes, EmptyStoreBytes);
        var status = node.Status;
        var response = new StatusResponse
        {
            Header = headers.At(store.Revision),
            Version = ReportedVersions.EtcdServer,
            StorageVersion = ReportedVersions.EtcdCluster,
            DbSize = size,
            DbSizeInUse = size,
            IsLearner = health().Members.Any(member => member.NodeId == node.Status.NodeId && !member.IsVoter),
            Leader = status.Leader.Value,
            RaftIndex = status.CommitIndex.Value,
            RaftTerm = status.Term.Value,
            RaftAppliedIndex = status.AppliedIndex.Value,
        };
        if (!status.HasLeader)
            response.Errors.Add("etcdserver: no leader");
        foreach (var alarm in AlarmList.Of(status, health()))
            response.Errors.Add($"memberID:{alarm.MemberID} alarm:{alarm.Alarm.ToString().ToUpperInvariant()} ");
        return response;
    }

    /// <inheritdoc/>
    public override Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context) => AlarmAsync(request);

    /// <summary>
    /// Lists or deactivates alarms. They follow from the state of the members (<see cref="AlarmList"/>), so they cannot be deactivated:
    /// each ends when its member was rebuilt, or has space again. There is no quota, which raises alarms in etcd.
    /// </summary>
    public Task<AlarmResponse> AlarmAsync(AlarmRequest request) => request.Action switch
    {
        AlarmRequest.Types.AlarmAction.Get => Task.FromResult(new AlarmResponse
        {
            Header = headers.At(store.Revision),
            Alarms = { AlarmList.Of(node.Status, health(), request.Alarm) },
        }),
        AlarmRequest.Types.AlarmAction.Deactivate => Task.FromResult(new AlarmResponse { Header = headers.At(store.Revision) }),
        _ => throw new RpcException(new Status(StatusCode.Unimplemented, "quorate: activating an alarm is not supported")),
    };

    /// <inheritdoc/>
    public override Task<DefragmentResponse> Defragment(DefragmentRequest request, ServerCallContext context) => DefragmentAsync();

    /// <summary>Returns immediately: the store frees compacted data by itself, so there is nothing to defragment.</summary>
    public static Task<DefragmentResponse> DefragmentAsync() => Task.FromResult(new DefragmentResponse());

    /// <inheritdoc/>
    public override Task Snapshot(
        SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context) =>
        guard.RunAsync(
            NoRequests<SnapshotRequest>.Instance, responseStream, context, (stream, call) => snapshots.RunAsync(stream.SendAsync, call));

    /// <inheritdoc/>
    public override Task<MoveLeaderResponse> MoveLeader(MoveLeaderRequest request, ServerCallContext context) =>
        MoveLeaderAsync(request, RequestContext.From(context));

    /// <summary>Transfers leadership from this member, the leader, to another voter. Returns when this member follows it.</summary>
    /// <remarks>Only the leader takes the call, as in etcd: etcdctl finds it among its endpoints.</remarks>
    public async Task<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, RequestContext context)
    {
        if (!node.Status.IsLeader)
            throw EtcdErrors.NotLeader();
        if (request.TargetID == 0)
            throw EtcdErrors.BadLeaderTransferee();
        try
        {
            var target = new NodeId(request.TargetID);
            var result = await node.TransferLeadershipAsync(target, cancellationToken: context.Cancellation).ConfigureAwait(false);
            return result.Failure is { } failure ? throw EtcdErrors.From(failure, target) : new MoveLeaderResponse();
        }
        catch (OperationCanceledException)
        {
            throw context.ToError();
        }
        catch (NodeStoppedException)
        {
            throw EtcdErrors.Stopped();
        }
    }

    /// <inheritdoc/>
    public override Task<HashResponse> Hash(HashRequest request, ServerCallContext context) => HashAsync();

    /// <summary>Returns a hash of all state that this member has applied, including leases.</summary>
    public Task<HashResponse> HashAsync() => Task.Run(() =>
    {
        var current = store.Current;
        return new HashResponse { Header = headers.At(current.Revision), Hash = current.Hash() };
    });

    /// <inheritdoc/>
    public override Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context) => HashKvAsync(request);

    /// <summary>Returns a hash of this member's keys and their history, to compare with other members.</summary>
    public Task<HashKVResponse> HashKvAsync(HashKVRequest request) => Task.Run(() =>
        store.HashKv(request.Revision, out var hash) is { } error
        ? throw EtcdErrors.From(error)
        : new HashKVResponse
        {
            Header = headers.At(store.Revision),
            Hash = hash.Hash,
            CompactRevision = hash.CompactRevision,
            HashRevision = hash.HashRevision,
        });
}
