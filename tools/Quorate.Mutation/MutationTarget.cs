namespace Quorate.Mutation;

/// <summary>A part of the sources whose mutants are sampled, and the tests that must detect them.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Project">The project that is compiled with the mutants.</param>
/// <param name="Folders">The folders whose files are mutated, relative to the project; an empty string: the project.</param>
/// <param name="Excluded">Folders and files that are not mutated.</param>
/// <param name="TestProject">The test project.</param>
/// <param name="TestNamespaces">The namespaces whose test classes run, relative to the test project; an empty string: all.</param>
/// <param name="ExcludedTests">Test classes that do not run.</param>
/// <param name="SimulatorRuns">Command lines of the simulator that run after the tests, the quickest first.</param>
internal sealed record MutationTarget(
    string Name,
    string Project,
    string[] Folders,
    string[] Excluded,
    string TestProject,
    string[] TestNamespaces,
    string[] ExcludedTests,
    string[] SimulatorRuns)
{
    public const string Simulator = "Quorate.Simulator";

    /// <summary>The sizes of explored state spaces are pinned only in Quorate.Verification.Tests, so they detect nothing here.</summary>
    public static IReadOnlyList<MutationTarget> All { get; } =
    [
        new("raft", "Quorate.Raft", [""], ["ModelChecking", "RaftCore.ModelChecking.cs", "Checks"],
            "Quorate.Raft.Tests", [""], ["ModelChecking.RaftCoreCloneTests"],
            [
                "--explore two-with-slow-disks --refine", "--walk 1 --steps 200000 --refine", "--seeds 40",
                "--from 41 --seeds 10 --refine",
            ]),
        new("wal", "Quorate.Node", ["Wal", "Storage"], [],
            "Quorate.Node.Tests", ["Wal", "Storage", "Golden"], [],
            ["--seeds 60"]),
        new("kv", "Quorate.Kv", [""], [],
            "Quorate.Kv.Tests", [""], [],
            ["--seeds 40"]),
    ];
}
