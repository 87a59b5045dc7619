using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;
using Line = Quorate.Verification.Linearizability.Operation<Quorate.Verification.Simulation.Store.StoreRequest, Quorate.Verification.Simulation.Store.StoreResponse>;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>What clients of real runs saw.</summary>
internal static class SimulatedHistories
{
    /// <summary>The history of a seed.</summary>
    public static IReadOnlyList<Line> Of(ulong seed)
    {
        IReadOnlyList<Line> history = [];
        var weather = SwarmOptions.Draw(seed, FaultSet.All);
        var checks = StoreWorkload.Checks with
        {
            CheckHistory = (application, tally) =>
            {
                history = StoreHistory.Build(application);
                return StoreHistory.Check(application, tally);
            },
        };
        var application = new Application<StoreStateMachine, StoreResult>(
            seed, static () => new StoreStateMachine(), new StoreWorkload(weather).Run, checks, static (s, _) => $"Histories.Of({s})");
        ClusterSimulation.Run(seed, weather, application, options: null);
        return history;
    }
}
