using Quorate.Raft;

namespace Quorate.PlantedBugs.Tests;

/// <summary>Claims as a room's tests might make them, for <see cref="DetectorTests"/>. They are no tests.</summary>
public sealed class SampleTestClass
{
    public void Passes() => Assert.True(true);

    public void Fails() => Assert.Equal(1, 2);

    public async Task FailsAsynchronously()
    {
        await Task.Yield();
        Assert.Equal(1, 2);
    }

    public void ViolatesAnInvariant() => Invariant.That(1 > 2);

    public void ThrowsUnexpectedly() => throw new InvalidOperationException("something else");
}

/// <summary>A test that cannot begin.</summary>
public sealed class SampleTestClassWithFailingConstructor
{
    public SampleTestClassWithFailingConstructor() => Assert.Fail("what the test needs is not there");

    public void Passes() => Assert.True(true);
}
