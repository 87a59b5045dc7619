namespace Quorate.Mutation;

/// <summary>Prints the score and the mutants that no test detects.</summary>
internal static class MutationReport
{
    private static readonly string[] Detectors = ["tests", "slow tests", "explorer", "simulator"];

    public static void Write(MutationTarget target, int seed, MutatedProject project, IReadOnlyDictionary<int, MutantResult> results)
    {
        var done = results.Values;
        var detected = done.Count(static r => r.IsDetected);
        Console.WriteLine($"{target.Name}: {detected} of {done.Count()} detected ({100.0 * detected / Math.Max(1, done.Count()):0.0} %)");
        Console.WriteLine(
            $"  sample of seed {seed}: {project.Sample.Count} of {project.Candidates} mutants; {project.Invalid} drawn do not compile");
        foreach (var detector in Detectors)
            Console.WriteLine($"  by {detector}: {done.Count(r => r.By == detector)}");
        Console.WriteLine($"  of these by a time limit: {done.Count(static r => r.Outcome == "timeout")}");
        Console.WriteLine($"  CPU time: {done.Sum(static r => r.CpuSeconds) / 60:0} min");
        foreach (var kind in results.GroupBy(r => project.Sample[r.Key - 1].Kind).OrderBy(static g => g.Key, StringComparer.Ordinal))
            Console.WriteLine($"  {kind.Key}: {kind.Count(static r => r.Value.IsDetected)} of {kind.Count()}");
        foreach (var result in done.Where(static r => !r.IsDetected).OrderBy(static r => r.Mutant, StringComparer.Ordinal))
            Console.WriteLine($"  {result.Outcome} {result.Number}: {result.Mutant}");
    }
}
