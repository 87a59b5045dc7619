using Quorate.Node.Divergence;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Receives the durations that a group measures, for metrics and logs.</summary>
/// <remarks>Threading: each method is called on the thread that did the work. It must not block and must not throw.</remarks>
internal interface IGroupObserver
{
    /// <summary>A batch was written to the write-ahead log and flushed.</summary>
    void OnFlushed(TimeSpan duration);

    /// <summary>The state machine applied a batch of entries.</summary>
    void OnApplied(int entries, TimeSpan duration);

    /// <summary>A proposal of this node was committed and applied.</summary>
    /// <param name="duration">The time since the proposal was queued.</param>
    void OnCommitted(TimeSpan duration);

    /// <summary>A snapshot of the state machine was written, and is durable.</summary>
    /// <param name="last">The last entry that it covers.</param>
    /// <param name="bytes">The size of its file.</param>
    /// <param name="duration">The time that it took to write.</param>
    void OnSnapshotWritten(LogIndex last, long bytes, TimeSpan duration);

    /// <summary>A snapshot could not be written; the log stays as it is.</summary>
    void OnSnapshotFailed(Exception fault);

    /// <summary>The log or a snapshot is corrupt: the member starts without the entries of its log, and receives them again.</summary>
    /// <param name="corruption">What was found.</param>
    /// <param name="setAside">The names of the files that are no longer used, without the prefix that was given to them.</param>
    void OnRepairStarted(IOException corruption, IReadOnlyList<string> setAside);

    /// <summary>The version of the cluster has changed.</summary>
    void OnClusterVersion(ClusterVersion before, ClusterVersion now);

    /// <summary>The comparison of state hashes found a difference, or the end of one.</summary>
    void OnDivergence(in DivergenceEvent found);

    /// <summary>This member is quarantined, since now or since before its start.</summary>
    void OnQuarantined(Quarantine quarantine);
}
