using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>A simulated cluster without faults other than those a test injects.</summary>
internal static class TestCluster
{
    public static Cluster Create(int members)
    {
        var options = SwarmOptions.Draw(seed: 1, FaultSet.None)
            .Without(new Reduction { Members = members, FaultPhaseDuration = 2 * VirtualTime.Second });
        var application = new Application<StoreStateMachine, StoreResult>(1, static () => new StoreStateMachine(),
            new StoreWorkload(options).Run, StoreWorkload.Checks, static (_, _) => "");
        return new Cluster(1, options, application, new RunOptions());
    }
}
