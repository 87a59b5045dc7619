namespace Quorate.Raft.Tests.Seeds;

/// <summary>Clusters of every size live through weather drawn from a seed; then the weather calms, and they must recover.</summary>
/// <remarks>
/// QUORATE_SEEDS sets how many lives each size gets. A failure names its seed and tells the last things that happened; what it showed becomes
/// a named test in Rules/, because a seed means another life as soon as the weather knows another fault.
/// </remarks>
public sealed class RandomLives
{
    private static readonly ulong Lives = ulong.TryParse(Environment.GetEnvironmentVariable("QUORATE_SEEDS"), out var n) ? n : 150;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void A_cluster_keeps_its_word_in_any_weather_and_recovers_when_it_calms(int size) =>
        LiveAll((ulong)size << 32, Given.Voters(size));

    [Theory]
    [InlineData("1 2 3", "3 4 5", "")]
    [InlineData("1 2 3", "1 2 3 4", "")]
    [InlineData("2", "1 2 3", "4")]
    [InlineData("1 2 3", "", "4 5")]
    public void So_does_one_with_learners_or_in_the_middle_of_a_change(string voters, string outgoing, string learners) =>
        LiveAll(1UL << 48, Given.Configuration(voters, outgoing, learners));

    private static void LiveAll(ulong from, Configuration configuration)
    {
        long committed = 0, reads = 0, elections = 0, steps = 0;
        for (var seed = from; seed < from + Lives; seed++)
        {
            var cluster = OneLife.Of(seed, configuration);
            committed += cluster.Ledger.Committed.Count;
            reads += cluster.Ledger.ReadsGranted;
            elections += cluster.Ledger.Elections;
            steps += cluster.Steps;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{Lives} lives, {steps} steps: {elections} elections, {committed} entries committed, {reads} reads granted");
        Assert.True(committed > 0 && elections > 0 && (reads > 0 || Lives < 10), "lives in which nothing happens prove nothing");
    }
}
