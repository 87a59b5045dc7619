using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;
using StoreOperation = Quorate.Verification.Linearizability.HistoryOperation<
    Quorate.Verification.Simulation.Store.StoreRequest,
    Quorate.Verification.Simulation.Store.StoreResponse>;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>Client histories of simulated runs.</summary>
internal static class SimulatedHistories
{
    /// <summary>The history of the clients in the run of a seed.</summary>
    public static IReadOnlyList<StoreOperation> Of(ulong seed)
    {
        IReadOnlyList<StoreOperation> history = [];
        var options = SwarmOptions.Draw(seed, FaultSet.All);
        var checks = StoreWorkload.Checks with
        {
            CheckHistory = (application, tally) =>
            {
                history = StoreHistoryChecker.Build(application);
                return StoreHistoryChecker.Check(application, tally);
            },
        };
        var application = new SimulatedApplication<StoreStateMachine, StoreResult>(
            seed,
            static () => new StoreStateMachine(),
            new StoreWorkload(options).Run,
            checks,
            static (s, _) => $"SimulatedHistories.Of({s})");
        ClusterSimulation.Run(seed, options, application, options: null);
        return history;
    }
}
