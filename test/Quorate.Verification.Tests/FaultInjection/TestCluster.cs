using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>A cluster in which nothing goes wrong but what a test does to it.</summary>
internal static class TestCluster
{
    public static Cluster Create(int members)
    {
        var weather = SwarmOptions.Draw(seed: 1, FaultSet.None).Without(new Reduction { Members = members, FaultPhaseDuration = 2 * VirtualTime.Second });
        var application = new Application<StoreStateMachine, StoreResult>(1, static () => new StoreStateMachine(), new StoreWorkload(weather).Run, StoreWorkload.Checks, static (_, _) => "");
        return new Cluster(1, weather, application, new RunOptions());
    }
}
