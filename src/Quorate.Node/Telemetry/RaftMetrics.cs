using System.Diagnostics.Metrics;
using Quorate.Node.Health;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Telemetry;

/// <summary>The instruments of one node on the meter of its owner.</summary>
/// <remarks>
/// Threading: any thread records; the owner's listener polls the gauges on threads of its own. The meter outlives the node and cannot
/// remove an instrument, so after <see cref="Stop"/> the gauges report nothing.
/// </remarks>
internal sealed class RaftMetrics
{
    private readonly KeyValuePair<string, object?> _node;
    private readonly Histogram<double> _commitDuration;
    private readonly Histogram<double> _flushDuration;
    private readonly Histogram<double> _applyDuration;
    private readonly Counter<long> _appliedEntries;
    private readonly Counter<long> _elections;
    private readonly Counter<long> _leaderChanges;
    private readonly Counter<long> _rejectedTerms;
    private readonly Counter<long> _transfers;
    private int _storageHealth;
    private volatile Source? _source;

    public RaftMetrics(Meter meter, NodeId node)
    {
        _node = new(RaftMetricNames.NodeAttribute, (long)node.Value);
        _commitDuration = meter.CreateHistogram<double>(RaftMetricNames.CommitDuration, "s");
        _flushDuration = meter.CreateHistogram<double>(RaftMetricNames.FlushDuration, "s");
        _applyDuration = meter.CreateHistogram<double>(RaftMetricNames.ApplyDuration, "s");
        _appliedEntries = meter.CreateCounter<long>(RaftMetricNames.AppliedEntries, "{entry}");
        _elections = meter.CreateCounter<long>(RaftMetricNames.Elections, "{election}");
        _leaderChanges = meter.CreateCounter<long>(RaftMetricNames.LeaderChanges, "{change}");
        _rejectedTerms = meter.CreateCounter<long>(RaftMetricNames.RejectedTerms, "{message}");
        _transfers = meter.CreateCounter<long>(RaftMetricNames.LeadershipTransfers, "{transfer}");
        Gauge(meter, RaftMetricNames.StorageHealth, "1", _ => Volatile.Read(ref _storageHealth));
        Gauge(meter, RaftMetricNames.Divergence, "1", static source => source.Divergence());
        Gauge(meter, RaftMetricNames.HealthLevel, "1", static source => (long)source.Health().Level);
        Gauge(meter, RaftMetricNames.HasQuorum, "1", static source => source.Health().HasQuorum ? 1 : 0);
        Gauge(meter, RaftMetricNames.FailureTolerance, "{member}", static source => source.Health().FailureTolerance);
        Gauge(meter, RaftMetricNames.PendingProposals, "{proposal}", static source => source.PendingProposals());
        Gauge(meter, RaftMetricNames.PendingReads, "{read}", static source => source.PendingReads());
        Gauge(meter, RaftMetricNames.IsLeader, "1", static source => source.Status().IsLeader ? 1 : 0);
        Gauge(meter, RaftMetricNames.Term, "{term}", static source => (long)source.Status().Term.Value);
        Gauge(meter, RaftMetricNames.CommitIndex, "{entry}", static source => (long)source.Status().CommitIndex.Value);
        Gauge(meter, RaftMetricNames.AppliedIndex, "{entry}", static source => (long)source.Status().AppliedIndex.Value);
        meter.CreateObservableCounter(RaftMetricNames.NetworkIo, ObserveNetworkIo, "By");
        meter.CreateObservableCounter(RaftMetricNames.DroppedMessages, ObserveDropped, "{message}");
    }

    /// <summary>Begins to report the gauges.</summary>
    public void Start(Source source) => _source = source;

    public void Stop() => _source = null;

    public void OnCommitted(TimeSpan duration) => _commitDuration.Record(duration.TotalSeconds, _node);

    public void OnFlushed(TimeSpan duration) => _flushDuration.Record(duration.TotalSeconds, _node);

    public void OnApplied(int entries, TimeSpan duration)
    {
        _applyDuration.Record(duration.TotalSeconds, _node);
        _appliedEntries.Add(entries, _node);
    }

    public void OnElection() => _elections.Add(1, _node);

    public void OnTermRejected() => _rejectedTerms.Add(1, _node);

    public void OnTransfer(LeaderChangeReason reason) =>
        _transfers.Add(1, _node, new(RaftMetricNames.ReasonAttribute, reason.ToString()));

    public void OnStorageHealthChanged(StorageHealth health) => Volatile.Write(ref _storageHealth, (int)health);

    public void OnLeaderElected() => _leaderChanges.Add(1, _node);

    private void Gauge(Meter meter, string name, string unit, Func<Source, long?> read) => meter.CreateObservableGauge(
        name, () => _source is { } source && read(source) is { } value ? (Measurement<long>[])[new(value, _node)] : [], unit);

    private IEnumerable<Measurement<long>> ObserveNetworkIo()
    {
        foreach (var peer in _source?.Counters().Peers ?? [])
        {
            KeyValuePair<string, object?> id = new(RaftMetricNames.PeerAttribute, (long)peer.Peer.Value);
            yield return new(peer.SentBytes, _node, id, new(RaftMetricNames.DirectionAttribute, "transmit"));
            yield return new(peer.ReceivedBytes, _node, id, new(RaftMetricNames.DirectionAttribute, "receive"));
        }
    }

    private IEnumerable<Measurement<long>> ObserveDropped()
    {
        foreach (var peer in _source?.Counters().Peers ?? [])
            yield return new(peer.DroppedMessages, _node, new(RaftMetricNames.PeerAttribute, (long)peer.Peer.Value));
    }

    /// <summary>Reads the current values of a running node.</summary>
    internal sealed record Source(
        Func<RaftStatus> Status, Func<int> PendingProposals, Func<int> PendingReads, Func<TransportCounters> Counters,
        Func<long> Divergence, Func<ClusterHealth> Health);
}
