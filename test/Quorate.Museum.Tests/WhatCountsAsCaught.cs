using Quorate.Museum.Catchers;
using Quorate.Museum.Rooms;

namespace Quorate.Museum.Tests;

/// <summary>A test that fails for any reason at all would catch every bug, and go on doing so when it no longer looks at the one it is there for.</summary>
public sealed class WhatCountsAsCaught
{
    [Theory]
    [InlineData(nameof(Claims.Fails))]
    [InlineData(nameof(Claims.FailsLater))]
    [InlineData(nameof(Claims.MeetsAnInvariant))]
    [InlineData(nameof(Claims.DoesNotComeToAnAnswer) + ", throwing InvalidOperationException")]
    public void A_refuted_claim_is_a_finding(string claim) => Assert.NotNull(Claim("Claims", claim).Look(Building.Empty));

    [Fact]
    public void A_claim_that_holds_finds_nothing() => Assert.Null(Claim("Claims", nameof(Claims.Holds)).Look(Building.Empty));

    [Fact]
    public void A_test_that_comes_to_no_answer_is_an_error_of_the_exhibit() =>
        Assert.StartsWith($"{Hung}: System.InvalidOperationException: something else", Visit("Claims", nameof(Claims.DoesNotComeToAnAnswer)).Fault, StringComparison.Ordinal);

    [Fact]
    public void A_test_that_cannot_begin_is_an_error_of_the_exhibit() =>
        Assert.Contains("what the test needs is not there", Visit("ClaimsWithoutABeginning", nameof(ClaimsWithoutABeginning.Holds)).Fault, StringComparison.Ordinal);

    [Fact]
    public void A_claim_that_fails_where_nothing_hangs_is_an_error_of_the_exhibit() =>
        Assert.StartsWith($"{Hung} was not what was seen", Visit("Claims", nameof(Claims.Fails)).Fault, StringComparison.Ordinal);

    [Fact]
    public void A_promise_that_the_exhibit_does_not_name_is_not_what_it_breaks()
    {
        var other = Exhibit.All.Single(static e => e.Name == "commit-index-falls") with { Breaks = ["ElectionSafety"] };

        Assert.Contains("not by what it breaks (ElectionSafety)", Museum.Visit.To(other, other.CaughtBy[0]).Fault, StringComparison.Ordinal);
    }

    private static Exhibit Hung => Exhibit.All[0];

    private static Visit Visit(string type, string claim) => Museum.Visit.To(Hung, Claim(type, claim));

    private static Catcher Claim(string type, string claim) => Catcher.Of($"test Quorate.Museum.Tests {type}.{claim}", "no bug");
}
