using CsCheck;
using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>The search for a linearization (Herlihy and Wing, "Linearizability", 1990) on small histories of one register.</summary>
public sealed class WingGongLoweTests
{
    private ulong _number;

    /// <summary>On random histories, linearizable and not, the search agrees with trying every order.</summary>
    [Fact]
    public void The_search_agrees_with_brute_force()
    {
        var histories = TestEffort.Of(20_000);
        var (yes, no) = (0, 0);
        var operation = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 6], Gen.Int[0, 3], Gen.Int[1, 3], Gen.Int[0, 3], Gen.Int[0, 9]);
        operation.Array[1, 6].Sample(
            drawn =>
            {
                var history = drawn.Select((d, i) => RandomOperation(i, d.Item1, d.Item2, d.Item3, d.Item4, d.Item5, d.Item6)).ToList();
                var expected = BruteForceChecker.IsLinearizable(history);
                var found = WingGongLowe.Check(history, new RegisterModel());
                Interlocked.Increment(ref expected ? ref yes : ref no);
                return found.Result == (expected ? LinearizabilityCheckResult.Linearizable : LinearizabilityCheckResult.NotLinearizable);
            },
            iter: histories);
        Assert.True(yes > histories / 20 && no > histories / 20, $"{yes} linearizable histories and {no} others: too few of one kind");
    }

    [Fact]
    public void Concurrent_operations_may_take_effect_in_any_order()
    {
        Assert.True(Check(Write(1, 0, 10), Write(2, 0, 10), Read(1, 11, 12)).IsLinearizable);
        Assert.True(Check(Write(1, 0, 10), Write(2, 0, 10), Read(2, 11, 12)).IsLinearizable);
    }

    [Fact]
    public void A_later_read_does_not_observe_an_older_value() =>
        Assert.Equal(LinearizabilityCheckResult.NotLinearizable,
            Check(Write(1, 0, 10), Write(2, 0, 10), Read(1, 11, 12), Read(2, 13, 14)).Result);

    /// <summary>Intervals are closed: an operation that begins at the instant at which another returns is concurrent with it.</summary>
    [Fact]
    public void Operations_that_touch_at_one_instant_are_concurrent() =>
        Assert.True(Check(Write(1, 0, 10), Read(0, 10, 12)).IsLinearizable);

    [Fact]
    public void An_unacknowledged_write_may_take_effect_late_or_never()
    {
        var write = Operation(new RegisterRequest(1), 0, 0, null);

        Assert.True(Check(write, Read(0, 100, 101)).IsLinearizable);
        Assert.True(Check(write, Read(0, 100, 101), Read(1, 102, 103)).IsLinearizable);
        Assert.Equal(LinearizabilityCheckResult.NotLinearizable, Check(write, Read(1, 102, 103), Read(0, 104, 105)).Result);
    }

    [Fact]
    public void A_violation_explains_the_longest_valid_order()
    {
        var verdict = Check(Write(1, 0, 10), Write(2, 20, 30), Read(1, 40, 50));

        Assert.Equal(
            "no order of 3 operations explains all results. The longest that does: "
            + "write 1 [1] by client 1, 0.000000 s to 0.000010 s, returned 0; "
            + "then write 2 [2] by client 2, 0.000020 s to 0.000030 s, returned 0; and then no operation can be next: "
            + "not read [3] by client 3, 0.000040 s to 0.000050 s, returned 1: the result would be 2",
            verdict.Explanation);
    }

    [Fact]
    public void An_interrupted_search_returns_Unknown()
    {
        HistoryOperation<RegisterRequest, int>[] history = [Write(1, 0, 10), Write(2, 0, 10), Read(1, 11, 12), Read(2, 13, 14)];
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        for (var budget = 0L; budget < WingGongLowe.Check(history, new RegisterModel()).Steps; budget++)
            Assert.Equal(LinearizabilityCheckResult.Unknown, WingGongLowe.Check(history, new RegisterModel(), budget).Result);
        Assert.Equal(LinearizabilityCheckResult.Unknown, WingGongLowe.Check(history, new RegisterModel(), cancel: cancelled.Token).Result);
    }

    private static LinearizabilityReport Check(params HistoryOperation<RegisterRequest, int>[] history) =>
        WingGongLowe.Check(history, new RegisterModel());

    private HistoryOperation<RegisterRequest, int> Write(int value, long from, long to) =>
        Operation(new RegisterRequest(value), 0, from, to);

    private HistoryOperation<RegisterRequest, int> Read(int value, long from, long to) => Operation(new RegisterRequest(), value, from, to);

    private HistoryOperation<RegisterRequest, int> Operation(RegisterRequest request, int response, long from, long? to) =>
        new() { Number = ++_number, Client = (int)_number, Invoked = from, Returned = to, Request = request, Response = response };

    private static HistoryOperation<RegisterRequest, int> RandomOperation(
        int number, int from, int takes, int kind, int value, int expected, int chance)
    {
        var (request, response) = kind switch
        {
            0 or 3 => (new RegisterRequest(), expected),
            1 => (new RegisterRequest(value), 0),
            _ => (new RegisterRequest(value, expected), chance < 4 ? RegisterModel.SwapFailed : 0),
        };
        return new()
        {
            Number = (ulong)number,
            Client = number,
            Invoked = from,
            Returned = chance == 0 ? null : from + takes,
            Request = request,
            Response = response,
        };
    }
}
