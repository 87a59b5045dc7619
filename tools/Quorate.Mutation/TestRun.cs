namespace Quorate.Mutation;

/// <summary>A test class, or a run of the simulator.</summary>
/// <param name="Program">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="TestClass">The test class, or null.</param>
/// <param name="CpuSeconds">Its CPU time without a mutant.</param>
/// <param name="Reached">The mutants whose place it reaches.</param>
internal sealed record TestRun(string Program, string Arguments, string? TestClass, double CpuSeconds, int[] Reached)
{
    /// <summary>Quick test classes share a process.</summary>
    public bool IsQuick => TestClass is not null && CpuSeconds < 2;

    public static string ArgumentsOf(IEnumerable<string> testClasses) =>
        string.Concat(testClasses.Select(static c => $"-class {c} ")) + "-stopOnFail -noLogo -noColor -parallelMode none";
}

/// <summary>What became of a mutant.</summary>
/// <param name="Number">Its number in the sample.</param>
/// <param name="Mutant">Its place, kind and texts.</param>
/// <param name="Outcome">killed, timeout, survived, or unreached: no test reaches its place.</param>
/// <param name="By">The kind of test that detected it, or null.</param>
/// <param name="Detail">The first failure, or null.</param>
/// <param name="CpuSeconds">The CPU time of all its runs.</param>
internal sealed record MutantResult(int Number, string Mutant, string Outcome, string? By, string? Detail, double CpuSeconds)
{
    public bool IsDetected => Outcome is "killed" or "timeout";
}
