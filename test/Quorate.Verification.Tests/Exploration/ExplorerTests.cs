namespace Quorate.Verification.Tests.Exploration;

/// <summary>
/// Model configurations of real Raft cores, explored completely. Their sizes are pinned: a different size means that the core, or the model
/// around it, behaves differently than before.
/// </summary>
/// <remarks>Explain a changed number in the commit that changes it. docs/testing/explorer.md describes each configuration.</remarks>
public sealed class ExplorerTests
{
    [Theory]
    [InlineData("lone-member", 5_892, 4_279, 16, "a second leader", "a command committed", "an entry committed by a later leader",
        "a member restarted")]
    [InlineData("two-with-slow-disks", 76_860, 29_253, 29, "a command committed", "an entry committed by a later leader",
        "a proposal rejected", "a member restarted")]
    [InlineData("two-that-read", 1_030_402, 270_646, 33, "a second leader", "a read granted", "a member restarted")]
    [InlineData("three-elect", 455_569, 102_182, 29, "a second leader", "two leaders at once", "an entry committed by a later leader")]
    [InlineData("three-with-slow-disks", 68_396, 17_968, 24, "a second leader", "two leaders at once", "a member restarted")]
    [InlineData("three-that-read", 381_855, 92_334, 25, "two leaders at once", "a read granted")]
    [InlineData("three-that-write", 307_194, 79_707, 28, "two leaders at once", "a command committed",
        "an entry committed by a later leader", "a proposal rejected")]
    [InlineData("three-that-write-and-crash", 2_237_814, 559_124, 27, "two leaders at once", "a command committed",
        "an entry committed by a later leader", "a member restarted")]
    [InlineData("two-with-duplicates", 1_161_824, 319_664, 31, "a message duplicated", "a second leader", "a command committed",
        "an entry committed by a later leader", "a proposal rejected", "a member restarted")]
    [InlineData("three-with-duplicates", 26_692, 8_289, 14, "a message duplicated", "a command committed", "a proposal rejected",
        "a member restarted")]
    [InlineData("three-elect-with-duplicates", 378_510, 81_637, 21, "a message duplicated", "a second leader", "two leaders at once",
        "a member restarted")]
    [InlineData("two-that-lose-connections", 21_031, 8_045, 24, "a connection lost", "a leader without a quorum", "a second leader",
        "an entry committed by a later leader", "a proposal rejected")]
    [InlineData("three-that-lose-connections", 190_610, 46_542, 20, "a connection lost", "a leader without a quorum", "a second leader",
        "two leaders at once")]
    [InlineData("three-that-install", 10_787, 2_815, 14, "a log truncated", "a snapshot received", "a snapshot installed",
        "a member restarted behind a snapshot")]
    [InlineData("three-that-install-and-elect", 1_450_520, 315_455, 32, "two leaders at once", "a log truncated",
        "a snapshot installed", "a member restarted behind a snapshot")]
    [InlineData("three-with-snapshots", 197_639, 49_339, 22, "two leaders at once", "a snapshot received", "entries dropped")]
    [InlineData("three-that-repair", 126_759, 32_516, 23, "a log lost", "a log repaired", "a second leader")]
    [InlineData("three-that-write-and-repair", 1_703_177, 407_893, 29, "a log lost", "a log repaired", "a command committed")]
    [InlineData("five-that-write", 16_390, 4_258, 21, "a command committed")]
    public void A_model_configuration_has_its_pinned_size_and_no_violation(
        string name, long generated, int distinct, int depth, params string[] reaches)
    {
        TestEffort.RequireFullWhen(generated > 100_000);

        // The specification has no lost logs.
        var found = Explorer.Run(name, refine: !name.EndsWith("repair", StringComparison.Ordinal));

        Assert.Equal((generated, distinct, depth), (found.Generated, found.Distinct, found.Depth));
        foreach (var goal in reaches)
            Assert.True(found.Reached[goal] > 0, $"{name} never reaches \"{goal}\", so its exploration proves little");
    }
}
