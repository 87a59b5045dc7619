using Quorate.Raft;

namespace Quorate.Museum.Tests;

/// <summary>Claims as a room's tests might make them, for <see cref="WhatCountsAsCaught"/>. They are no tests.</summary>
public sealed class Claims
{
    public void Holds() => Assert.True(true);

    public void Fails() => Assert.Equal(1, 2);

    public async Task FailsLater()
    {
        await Task.Yield();
        Assert.Equal(1, 2);
    }

    public void MeetsAnInvariant() => Invariant.That(1 > 2);

    public void DoesNotComeToAnAnswer() => throw new InvalidOperationException("something else");
}

/// <summary>A test that cannot begin.</summary>
public sealed class ClaimsWithoutABeginning
{
    public ClaimsWithoutABeginning() => Assert.Fail("what the test needs is not there");

    public void Holds() => Assert.True(true);
}
