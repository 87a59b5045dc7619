using Quorate.Raft;

namespace Quorate.PlantedBugs.Tests;

/// <summary>
/// Methods that <see cref="DetectorTests"/> runs as if they were tests of a project. They carry no xunit attributes, so the test runner
/// ignores them.
/// </summary>
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

/// <summary>A test class whose constructor fails, as when a prerequisite of the test is missing.</summary>
public sealed class SampleTestClassWithFailingConstructor
{
    public SampleTestClassWithFailingConstructor() => Assert.Fail("a prerequisite is missing");

    public void Passes() => Assert.True(true);
}
