using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>A simulated cluster without faults other than those a test injects.</summary>
internal static class FaultFreeCluster
{
    public static SimulatedCluster Create(int members)
    {
        var options = SwarmOptions.Draw(seed: 1, FaultSet.None)
            .Without(new RunReduction { Members = members, FaultPhaseDuration = 2 * VirtualTime.Second });
        var application = new SimulatedApplication<StoreStateMachine, StoreResult>(1, static () => new StoreStateMachine(),
            new StoreWorkload(options).Run, StoreWorkload.Checks, static (_, _) => "");
        return new SimulatedCluster(1, options, application, new RunOptions());
    }
}
