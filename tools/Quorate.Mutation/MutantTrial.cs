namespace Quorate.Mutation;

/// <summary>Runs the tests that reach one mutant, the quickest first, until one fails.</summary>
internal static class MutantTrial
{
    public static MutantResult Run(Workspace workspace, IReadOnlyList<TestRun> tests, int number, Mutant mutant)
    {
        var cpuSeconds = 0.0;
        var outcome = "unreached";
        foreach (var (by, run) in Plan(tests, number))
        {
            var result = workspace.Run(run.Program, run.Arguments, run.CpuSeconds, number);
            cpuSeconds += result.Cpu.TotalSeconds;
            if (result.ExitCode == 0)
            {
                outcome = "survived";
                continue;
            }

            outcome = result.ExitCode is null ? "timeout" : "killed";
            return new MutantResult(number, mutant.ToString(), outcome, by, FailureIn(result.Output), cpuSeconds);
        }

        return new MutantResult(number, mutant.ToString(), outcome, null, null, cpuSeconds);
    }

    private static IEnumerable<(string By, TestRun Run)> Plan(IReadOnlyList<TestRun> tests, int number)
    {
        var reaching = tests.Where(test => test.Reached.AsSpan().Contains(number)).ToList();
        var quick = reaching.Where(static test => test.IsQuick).ToList();
        if (quick.Count > 0)
        {
            var arguments = TestRun.ArgumentsOf(quick.Select(static test => test.TestClass!));
            yield return ("tests", new TestRun(quick[0].Program, arguments, null, quick.Sum(static test => test.CpuSeconds), []));
        }

        var slowTests = reaching.Where(static test => test is { TestClass: not null, IsQuick: false });
        foreach (var slow in slowTests.OrderBy(static test => test.CpuSeconds))
            yield return ("slow tests", slow);
        foreach (var run in reaching.Where(static test => test.TestClass is null))
            yield return (run.Arguments.StartsWith("--seeds", StringComparison.Ordinal) ? "simulator" : "explorer", run);
    }

    /// <summary>The name of the first test that failed, or the first line of another failure.</summary>
    private static string? FailureIn(string output)
    {
        var lines = output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.FirstOrDefault(static line => line.EndsWith("[FAIL]", StringComparison.Ordinal))
            ?? lines.FirstOrDefault(static line => line.Contains("violat", StringComparison.Ordinal))
            ?? lines.LastOrDefault();
    }
}
