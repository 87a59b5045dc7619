using Quorate.Kv;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Quorate.Server.Settings;
using Quorate.Server.Watching;
using Quorate.Server.Web;

namespace Quorate.Server.Hosting;

/// <summary>Everything a host answers with.</summary>
internal sealed record EtcdSurface(
    IReplica Replica,
    Replicator Replicator,
    LeaseExpiry Expiry,
    KvService Kv,
    LeaseService Lease,
    WatchService Watch,
    ClusterService Cluster,
    MaintenanceService Maintenance,
    WebSurface Web)
{
    /// <summary>Puts it together.</summary>
    /// <param name="settings">What the member was told.</param>
    /// <param name="replica">Its part in the cluster.</param>
    /// <param name="store">What it holds.</param>
    /// <param name="clock">How long its leases live.</param>
    /// <param name="members">Who the members are.</param>
    /// <param name="stopping">Ends what would go on for ever: the streams.</param>
    /// <param name="stopped">Ends what has not ended by itself since: calls that wait for a quorum.</param>
    public static EtcdSurface Create(
        ServerSettings settings, IReplica replica, IStoreReader store, LeaseClock clock, MemberBook members, CancellationToken stopping, CancellationToken stopped)
    {
        var limits = new KvLimits { MaxTxnOps = settings.Limits.TxnOperationsMax, MaxRequestBytes = settings.Limits.RequestBytesMax };
        var headers = new Headers(settings.ClusterId, settings.Self.Id.Value, replica);
        var replicator = new Replicator(replica, settings.ElectionTimeout, TimeProvider.System, stopped);
        var kv = new KvApi(replicator, store, headers, limits);
        var leases = new LeaseApi(replicator, store, clock, headers, limits, settings.ElectionTimeout);
        var expiry = new LeaseExpiry(settings.Self.Id.Value, replica, clock, TimeProvider.System);
        var guard = new StreamGuard(replica, settings.ElectionTimeout, TimeProvider.System, stopping);
        var watch = new WatchApi(store, headers, new WatchOptions { FragmentBytesMax = settings.Limits.RequestBytesMax }, TimeProvider.System);
        var cluster = new ClusterService(replicator, members, headers);
        var maintenance = new MaintenanceService(replica, store, headers);
        var gateway = new JsonGateway(
            kv, leases, cluster, maintenance, new JsonStreams(watch, leases), settings.Limits.MessageBytesMax, stopping);
        var web = new WebSurface(new Probes(replicator), gateway);
        return new EtcdSurface(
            replica, replicator, expiry, new KvService(kv), new LeaseService(leases, guard), new WatchService(watch, guard), cluster, maintenance, web);
    }
}
