using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>What a cluster replicates and who uses it, as the cluster sees it: machine and answers keep their types to themselves.</summary>
internal interface IApplication
{
    /// <summary>How to see a run again.</summary>
    string ReproCommand(ulong seed, RunOptions options);

    /// <summary>The machine of a process that begins, empty.</summary>
    IStateMachineHost CreateHost(NodeId member, ulong firstSequence, PendingReads reads, IWorker worker, LogIndex applied, Action wake);

    /// <summary>A client, which begins by itself.</summary>
    /// <param name="cluster">Whom it asks.</param>
    /// <param name="number">Its number.</param>
    /// <param name="fixedTarget">Where it asks, always; null: anywhere.</param>
    IClient CreateClient(Cluster cluster, int number, SimulatedMachine? fixedTarget = null);

    /// <summary>All that was answered must make sense as if it had been asked one after another.</summary>
    void CheckHistory(Counters counters);
}

/// <summary>The machine of one process, with all that brings it commands and takes away answers.</summary>
internal interface IStateMachineHost
{
    IApplier Applier { get; }

    /// <summary>Everything up to here can be read.</summary>
    LogIndex VisibleIndex { get; }

    /// <summary>Applies what was committed before the process began.</summary>
    void Replay(ReadOnlySpan<LogEntry> committed);

    /// <summary>At the end: whether this machine is in the same state as another.</summary>
    bool HasSameState(IStateMachineHost other);

    /// <summary>At the end: the state, as far as it is compared.</summary>
    string DescribeFinalState();
}

/// <summary>Somebody who asks one thing after another.</summary>
internal interface IClient
{
    /// <summary>It asks for nothing more.</summary>
    bool IsStopped { get; set; }

    /// <summary>It waits for nothing.</summary>
    bool IsIdle { get; }

    /// <summary>How many writes were acknowledged.</summary>
    int CommittedCount { get; }

    /// <summary>How many reads were granted.</summary>
    int GrantedCount { get; }

    /// <summary>Looks whether the answer has come.</summary>
    void Poll();

    /// <summary>The process it waits for is gone, and the outcome with it.</summary>
    void OnProcessEnded();
}
