using Quorate.Kv;
using Quorate.Node;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Quorate.Server.Settings;
using Quorate.Server.Watching;
using Quorate.Server.Http;

namespace Quorate.Server.Hosting;

/// <summary>The services that one member serves, and the components they share.</summary>
internal sealed record EtcdServices(
    IRaftNode<KvResult> Node,
    RequestExecutor Executor,
    LeaseReaper LeaseReaper,
    KvService Kv,
    LeaseService Lease,
    WatchService Watch,
    ClusterService Cluster,
    MaintenanceService Maintenance,
    HealthService Health,
    HttpEndpoints Http,
    WebAccessFilter WebAccess,
    ReceiveBudget Budget)
{
    /// <summary>Creates the services of a member.</summary>
    /// <param name="settings">The member's settings.</param>
    /// <param name="node">The member's Raft node.</param>
    /// <param name="store">The member's key-value store.</param>
    /// <param name="leaseDeadlines">The deadlines of the leases, by this member's clock.</param>
    /// <param name="members">The members of the cluster.</param>
    /// <param name="undecodable">The entries of the log that are no command.</param>
    /// <param name="connections">The limit of client connections.</param>
    /// <param name="log">Receives the messages of the services.</param>
    /// <param name="stopping">Cancelled first when the server stops: ends watch and keep-alive streams.</param>
    /// <param name="stopped">Cancelled later when the server stops: ends calls that still wait for a quorum.</param>
    public static EtcdServices Create(
        ServerSettings settings, RaftNode<KvResult> node, IStoreReader store, MemberLeaseDeadlines leaseDeadlines, MemberRegistry members,
        UndecodableCommands undecodable, ClientConnectionLimiter connections, ILogger log, CancellationToken stopping,
        CancellationToken stopped)
    {
        var limits = new KvLimits { MaxTxnOps = settings.Limits.TxnOperationsMax, MaxRequestBytes = settings.Limits.RequestBytesMax };
        var headers = new ResponseHeaderFactory(settings.ClusterId, settings.Self.Id.Value, node);
        var executor = new RequestExecutor(node, settings.ElectionTimeout, TimeProvider.System, log, stopped);
        var kv = new KvApi(executor, store, headers, limits);
        var leases = new LeaseApi(
            executor, new LeaseRenewals(executor, TimeProvider.System), store, leaseDeadlines, headers, limits, settings.ElectionTimeout);
        var leaseReaper = new LeaseReaper(settings.Self.Id.Value, node, leaseDeadlines, TimeProvider.System);
        var streamGuard = new StreamCancellationMonitor(node, settings.ElectionTimeout, TimeProvider.System, stopping);
        var watchOptions = new WatchOptions
        {
            FragmentBytesMax = settings.Limits.RequestBytesMax, ProgressInterval = settings.WatchProgressInterval,
        };
        var watch = new WatchApi(executor, store, headers, watchOptions, TimeProvider.System);
        var cluster = new ClusterService(executor, node, members, headers, settings, TimeProvider.System);
        var snapshots = new SnapshotApi(executor, node.CaptureBackupAsync, store, headers, log);
        var maintenance = new MaintenanceService(node, () => node.Health, store, headers, snapshots, streamGuard);
        var budget = new ReceiveBudget(ReceiveBudget.BytesMaxDefault, TimeProvider.System);
        var largeResponses = new LargeResponseLimiter();
        var gateway = new JsonGateway(
            kv, leases, cluster, maintenance, new JsonStreamingCalls(watch, leases, snapshots), settings.Limits, budget, largeResponses,
            stopping);
        var health = new HealthVerdict(executor, () => node.Health);
        var metrics = new MetricsEndpoint(settings.Self.Id.Value, executor, node, undecodable, connections, snapshots);
        var http = new HttpEndpoints(
            new HealthEndpoints(health), new ClusterHealthEndpoint(() => node.Health, members), metrics, gateway, log);
        return new EtcdServices(
            node, executor, leaseReaper, new KvService(kv, largeResponses), new LeaseService(leases, streamGuard),
            new WatchService(watch, streamGuard), cluster, maintenance, new HealthService(health, node, streamGuard), http,
            new WebAccessFilter(settings.WebAccess, settings.AdvertiseClientUrls), budget);
    }
}
