using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>A thousand mutations of histories from simulated runs: the checkers reject each of them and explain why.</summary>
public sealed class MutatedHistoryTests
{
    private const int MutationsMin = 1000;

    [Fact]
    public void Every_mutated_history_is_rejected()
    {
        var (mutated, rejected, unknown, prng) = (0, 0, 0, new Prng(20));
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var seed = 1UL; mutated < MutationsMin; seed++)
        {
            var history = SimulatedHistories.Of(seed);
            if (history.Count is < 10 or > 1500)
                continue;
            var isSearched = history.Count <= StoreHistoryChecker.SearchedOperationsMax && Search(history, budget: 5_000).IsLinearizable;
            for (var i = 0; i < 3 * HistoryMutator.Kinds.Count && mutated < MutationsMin; i++)
            {
                if (HistoryMutator.TryMutate(history, i % HistoryMutator.Kinds.Count, prng) is not { } wrong)
                    continue;
                var verdict = WitnessOrderChecker.Check(wrong.History, new StoreModel());
                Assert.True(verdict.Result == LinearizabilityCheckResult.NotLinearizable,
                    $"{wrong.Kind} in the history of seed {seed} passed");
                Assert.NotEmpty(verdict.Explanation);
                mutated++;
                kinds[wrong.Kind] = kinds.GetValueOrDefault(wrong.Kind) + 1;

                if (!isSearched || !wrong.IsVisibleToClients)
                    continue;
                var searched = Search(wrong.History, budget: 200_000);
                Assert.True(searched.Result != LinearizabilityCheckResult.Linearizable,
                    $"{wrong.Kind} in the history of seed {seed} passed the search");
                rejected += searched.Result == LinearizabilityCheckResult.NotLinearizable ? 1 : 0;
                unknown += searched.Result == LinearizabilityCheckResult.Unknown ? 1 : 0;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{mutated} rejected; the search rejected {rejected} and was inconclusive for {unknown}");
        foreach (var (kind, count) in kinds)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,6}  {kind}");
        Assert.Equal(HistoryMutator.Kinds.Order(StringComparer.Ordinal), kinds.Keys);

        // Proving that there is no valid order can exceed the budget. The search then returns Unknown, never Linearizable.
        Assert.True(rejected >= 200 && unknown <= rejected / 5, $"the search rejected {rejected} and was inconclusive for {unknown}");
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(3UL)]
    [InlineData(7UL)]
    public void Unmodified_histories_pass_both_checkers(ulong seed)
    {
        var history = SimulatedHistories.Of(seed);

        Assert.Equal("", WitnessOrderChecker.Check(history, new StoreModel()).Explanation);
        Assert.NotEqual(LinearizabilityCheckResult.NotLinearizable, Search(history, budget: 50_000).Result);
    }

    private static LinearizabilityReport Search(IReadOnlyList<HistoryOperation<StoreRequest, StoreResponse>> history, long budget) =>
        WingGongLowe.Check(StoreHistoryChecker.WithoutIndexes(history), new StoreModel(isPartial: true), budget);
}
