namespace Quorate.Verification.Tests.Seeds;

/// <summary>Seeds whose runs once failed, each with the bug that it revealed.</summary>
/// <remarks>A change of the simulator changes what a seed does. Where another test covers the bug directly, the text names it.</remarks>
public sealed class RegressionSeedTests
{
    [Theory]
    [InlineData(33UL, "a process was killed before a flush; its successor reported the entries as durable (WalRecoveryDurabilityTests)")]
    [InlineData(37UL, "the same for term and vote: after a power cut the log had an entry of a term that the hard state lacked")]
    [InlineData(34UL, "the same for the log: the next frame was flushed, and the one before it was not")]
    [InlineData(1168UL, "a bug of a checker: it mistook entries on disk that were about to be truncated for committed ones")]
    [InlineData(1290UL, "a leader with a stalled disk kept leading: a commit needed a follower that waited for entries on that disk")]
    [InlineData(4525UL, "a bug of the simulated network: delayed votes for a member that lost its data directory reached its replacement")]
    [InlineData(2610UL, "a bug of a checker: the one member restarted so often that no clock measured the time")]
    [InlineData(6614UL, "the same with five members: none that had seen the last advance of the lease clock was up")]
    public void A_seed_that_once_failed_passes(ulong seed, string lesson)
    {
        KvSimulation.Run(seed);
        Assert.NotEmpty(lesson);
    }
}
