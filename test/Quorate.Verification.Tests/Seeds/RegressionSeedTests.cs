namespace Quorate.Verification.Tests.Seeds;

/// <summary>Seeds that once ended badly, each with what it showed.</summary>
/// <remarks>What a seed does changes with the simulator; the rule it taught has a test of its own where it says so.</remarks>
public sealed class RegressionSeedTests
{
    [Theory]
    [InlineData(33UL, "a killed process had written what it had not flushed; the next one vouched for it (Disk/WhatIsReadIsNotYetDurable)")]
    [InlineData(37UL, "the same for term and vote: after a power cut the log knew a term that the hard state did not")]
    [InlineData(34UL, "the same for the log: the next frame was flushed, and the one before it was not")]
    [InlineData(1168UL, "a check of ours: entries on the disk that were to be truncated were taken for those that were committed in their place")]
    [InlineData(1290UL, "a leader whose disk hangs led on: nothing was committed without a follower that waited for what was on that disk (Quorate.Raft.Tests, PreVoteAndQuorum)")]
    [InlineData(4525UL, "a network of ours: votes that were cast for a member before it lost its folder reached the next one under its id, long after")]
    public void A_seed_that_once_failed_passes(ulong seed, string lesson)
    {
        KvSimulation.Run(seed);
        Assert.NotEmpty(lesson);
    }
}
