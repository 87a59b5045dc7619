using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>
/// The replicated state machine and its clients, as the cluster uses them: without the types of the state machine and its results.
/// </summary>
internal interface ISimulatedApplication
{
    /// <summary>Returns the command, or the instruction, that reproduces a run.</summary>
    string ReproCommand(ulong seed, RunOptions options);

    /// <summary>Called once, before the first process starts.</summary>
    void OnStarting(SimulatedCluster cluster);

    /// <summary>Opens the group of a process that starts, with an empty state machine.</summary>
    IStateMachineHost OpenGroup(RaftGroupOptions options);

    /// <summary>Creates a client, which starts on its own.</summary>
    /// <param name="cluster">The cluster to which it sends requests.</param>
    /// <param name="number">The client's number.</param>
    /// <param name="fixedTarget">The member that receives all its requests; null: a member is picked for each request.</param>
    ISimulatedClient CreateClient(SimulatedCluster cluster, int number, SimulatedMachine? fixedTarget = null);

    /// <summary>Checks that the history is linearizable.</summary>
    void CheckHistory(RunCounters counters);
}

/// <summary>The state machine of one process, and the group that replicates it.</summary>
internal interface IStateMachineHost
{
    RaftGroup Group { get; }

    /// <summary>Whether the state machine has a hash to compare.</summary>
    bool HasStateHash { get; }

    /// <summary>Whether the hash of the state machine is altered.</summary>
    bool IsAltered { get; }

    /// <summary>
    /// Alters the hash of the state machine from now on, as a change of its memory or another result of a command would. The state itself
    /// stays right, so all checks of results and states still hold.
    /// </summary>
    void AlterHash(ulong difference);

    /// <summary>The last index whose effect reads can observe.</summary>
    LogIndex VisibleIndex { get; }

    /// <summary>Returns, at the end of a run, whether two state machines are in the same state.</summary>
    bool HasSameState(IStateMachineHost other);

    /// <summary>Describes, at the end of a run, the state as far as it is compared.</summary>
    string DescribeFinalState();
}

/// <summary>A client that sends one request after another.</summary>
internal interface ISimulatedClient
{
    /// <summary>True if the client sends no more requests.</summary>
    bool IsStopped { get; set; }

    /// <summary>True if the client has no pending request.</summary>
    bool IsIdle { get; }

    /// <summary>The number of acknowledged writes.</summary>
    int CommittedCount { get; }

    /// <summary>The number of granted reads.</summary>
    int GrantedCount { get; }

    /// <summary>Checks whether the pending request has completed.</summary>
    void Poll();

    /// <summary>Ends the pending request with an indeterminate outcome, because its process has ended.</summary>
    void OnProcessEnded();
}
