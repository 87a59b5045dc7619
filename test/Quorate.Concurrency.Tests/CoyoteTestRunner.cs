using Microsoft.Coyote;
using Microsoft.Coyote.SystematicTesting;

// One at a time: a schedule is paused and woken thousands of times, and concurrent tests would only delay it.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Quorate.Concurrency.Tests;

/// <summary>Runs a test many times, each time with another order of its threads' steps; the orders are drawn from one seed.</summary>
/// <remarks>
/// A step ends at every lock, wait, start, await, interlocked or volatile access, and at every access to a field. A schedule fails on an
/// unhandled exception, a failed assertion, and a deadlock. A timed wait never times out here, so a thread that is not woken is detected as
/// a deadlock. A call that Coyote cannot control would leave the order to chance: that fails too.
/// </remarks>
internal static class CoyoteTestRunner
{
    private const uint Seed = 1;
    private const uint StepsMax = 20_000;

    public static void Explore(uint count, Action test)
    {
        using var engine = TestingEngine.Create(Settings(Scale(count)), test);
        Run(engine, Scale(count));
    }

    public static void Explore(uint count, Func<Task> test)
    {
        using var engine = TestingEngine.Create(Settings(Scale(count)), test);
        Run(engine, Scale(count));
    }

    private static uint Scale(uint count) => (uint)TestEffort.Of((int)count);

    private static Configuration Settings(uint count) => Configuration.Create()
        .WithTestingIterations(count)
        .WithRandomGeneratorSeed(Seed)
        .WithMaxSchedulingSteps(StepsMax)
        .WithFailureOnMaxStepsBoundEnabled()
        .WithLockAccessRaceCheckingEnabled()
        .WithAtomicOperationRaceCheckingEnabled()
        .WithVolatileOperationRaceCheckingEnabled()
        .WithMemoryAccessRaceCheckingEnabled()
        .WithTelemetryEnabled(false);

    private static void Run(TestingEngine engine, uint count)
    {
        engine.Run();

        var report = engine.TestReport;
        var explored = report.NumOfExploredFairPaths + report.NumOfExploredUnfairPaths;
        Assert.True(report.NumOfFoundBugs == 0, $"schedule {explored} of {count} from seed {Seed}: {string.Join('\n', report.BugReports)}");
        Assert.Empty(report.UncontrolledInvocations);
        Assert.Equal(count, (uint)explored);
    }
}
