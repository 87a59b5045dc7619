using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>Histories of real runs, a thousand times damaged on purpose: not one passes, and each refusal says why.</summary>
public sealed class DamagedHistoriesAreRefused
{
    private const int Wanted = 1000;

    [Fact]
    public void A_thousand_of_a_thousand()
    {
        var (damaged, outside, dice) = (0, 0, new Dice(20));
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var seed = 1UL; damaged < Wanted; seed++)
        {
            var history = Histories.Of(seed);
            if (history.Count is < 10 or > 1500)
                continue;
            for (var i = 0; i < 3 * Damage.Kinds.Count && damaged < Wanted; i++)
            {
                if (Damage.Try(history, i % Damage.Kinds.Count, dice) is not { } wrong)
                    continue;
                var verdict = Witness.Check(wrong.History, new StoreModel());
                Assert.True(verdict.Finding == Finding.NotLinearizable, $"{wrong.Kind} in the history of seed {seed} passed");
                Assert.NotEmpty(verdict.Explanation);
                damaged++;
                kinds[wrong.Kind] = kinds.GetValueOrDefault(wrong.Kind) + 1;

                // To show that there is no order may take more than there is time for: then the search says so, and never that there is one.
                if (!wrong.IsSeenFromOutside || history.Count > StoreHistory.SearchedMax)
                    continue;
                var searched = WingGongLowe.Check(StoreHistory.AsSeenFromOutside(wrong.History), new StoreModel(isPart: true), budget: 50_000);
                Assert.True(searched.Finding != Finding.Linearizable, $"{wrong.Kind} in the history of seed {seed} passed the search");
                outside += searched.Finding == Finding.NotLinearizable ? 1 : 0;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{damaged} refused, {outside} of them also by the search");
        foreach (var (kind, count) in kinds)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,6}  {kind}");
        Assert.Equal(Damage.Kinds.Order(StringComparer.Ordinal), kinds.Keys);
        Assert.True(outside >= 100, $"the search refused only {outside}");
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(3UL)]
    [InlineData(7UL)]
    public void Undamaged_they_pass_both(ulong seed)
    {
        var history = Histories.Of(seed);

        Assert.Equal("", Witness.Check(history, new StoreModel()).Explanation);
        Assert.NotEqual(Finding.NotLinearizable, WingGongLowe.Check(StoreHistory.AsSeenFromOutside(history), new StoreModel(isPart: true)).Finding);
    }
}
