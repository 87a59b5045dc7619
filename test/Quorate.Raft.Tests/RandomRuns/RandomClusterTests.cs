namespace Quorate.Raft.Tests.RandomRuns;

/// <summary>Runs clusters of every size under faults drawn from a seed; then the faults end, and the clusters must converge.</summary>
/// <remarks>
/// QUORATE_SEEDS sets the number of runs for each size. A failure names its seed and the latest events. Write a named test in Rules/ for
/// each bug found: the seed does not preserve it, because it gives a different run as soon as <see cref="FaultOptions"/> has a new fault.
/// </remarks>
public sealed class RandomClusterTests
{
    private static readonly ulong RunsPerTest = ulong.TryParse(Environment.GetEnvironmentVariable("QUORATE_SEEDS"), out var n)
        ? n
        : (ulong)TestEffort.Of(150);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void A_cluster_stays_safe_under_faults_and_converges_after_them(int size) =>
        RunAll((ulong)size << 32, Given.Voters(size));

    [Theory]
    [InlineData("1 2 3", "3 4 5", "")]
    [InlineData("1 2 3", "1 2 3 4", "")]
    [InlineData("2", "1 2 3", "4")]
    [InlineData("1 2 3", "", "4 5")]
    public void A_cluster_with_learners_or_a_joint_configuration_converges_after_faults(string voters, string outgoing, string learners) =>
        RunAll(1UL << 48, Given.Configuration(voters, outgoing, learners));

    private static void RunAll(ulong from, Configuration configuration)
    {
        long committed = 0, reads = 0, elections = 0, steps = 0;
        for (var seed = from; seed < from + RunsPerTest; seed++)
        {
            var cluster = RandomRun.Of(seed, configuration);
            committed += cluster.History.Committed.Count;
            reads += cluster.History.ReadsGranted;
            elections += cluster.History.Elections;
            steps += cluster.Steps;
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{RunsPerTest} runs, {steps} steps: {elections} elections, {committed} entries committed, {reads} reads granted");
        Assert.True(
            committed > 0 && elections > 0 && (reads > 0 || RunsPerTest < 10),
            "runs without elections, commits and reads check nothing");
    }
}
