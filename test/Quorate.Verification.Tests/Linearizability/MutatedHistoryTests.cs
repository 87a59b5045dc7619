using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>Histories of real runs, a thousand times damaged on purpose: not one passes, and each refusal says why.</summary>
public sealed class MutatedHistoryTests
{
    private const int MutationsMin = 1000;

    [Fact]
    public void Every_mutated_history_is_rejected()
    {
        var (damaged, refused, unknown, dice) = (0, 0, 0, new Prng(20));
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var seed = 1UL; damaged < MutationsMin; seed++)
        {
            var history = SimulatedHistories.Of(seed);
            if (history.Count is < 10 or > 1500)
                continue;
            var isSearched = history.Count <= StoreHistory.SearchedOperationsMax && Search(history, budget: 5_000).IsLinearizable;
            for (var i = 0; i < 3 * HistoryMutator.Kinds.Count && damaged < MutationsMin; i++)
            {
                if (HistoryMutator.TryMutate(history, i % HistoryMutator.Kinds.Count, dice) is not { } wrong)
                    continue;
                var verdict = Witness.Check(wrong.History, new StoreModel());
                Assert.True(verdict.Result == CheckResult.NotLinearizable, $"{wrong.Kind} in the history of seed {seed} passed");
                Assert.NotEmpty(verdict.Explanation);
                damaged++;
                kinds[wrong.Kind] = kinds.GetValueOrDefault(wrong.Kind) + 1;

                if (!isSearched || !wrong.IsVisibleToClients)
                    continue;
                var searched = Search(wrong.History, budget: 200_000);
                Assert.True(searched.Result != CheckResult.Linearizable, $"{wrong.Kind} in the history of seed {seed} passed the search");
                refused += searched.Result == CheckResult.NotLinearizable ? 1 : 0;
                unknown += searched.Result == CheckResult.Unknown ? 1 : 0;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{damaged} refused; the search refused {refused}, and of {unknown} it did not know");
        foreach (var (kind, count) in kinds)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,6}  {kind}");
        Assert.Equal(HistoryMutator.Kinds.Order(StringComparer.Ordinal), kinds.Keys);

        // That there is no order can take longer to show than there is time for: then the search says so, and never that there is one.
        Assert.True(refused >= 200 && unknown <= refused / 5, $"the search refused {refused}, and of {unknown} it did not know");
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(3UL)]
    [InlineData(7UL)]
    public void Unmodified_histories_pass_both_checkers(ulong seed)
    {
        var history = SimulatedHistories.Of(seed);

        Assert.Equal("", Witness.Check(history, new StoreModel()).Explanation);
        Assert.NotEqual(CheckResult.NotLinearizable, Search(history, budget: 50_000).Result);
    }

    private static Verdict Search(IReadOnlyList<Operation<StoreRequest, StoreResponse>> history, long budget) =>
        WingGongLowe.Check(StoreHistory.WithoutIndexes(history), new StoreModel(isPartial: true), budget);
}
