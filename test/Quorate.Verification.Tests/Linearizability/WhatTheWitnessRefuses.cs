using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>One order is claimed, and it must be one: in time, and in what it answers.</summary>
public sealed class WhatTheWitnessRefuses
{
    [Fact]
    public void An_order_that_explains_everything_is_one() => Assert.True(Check(Write(1, 1, 0, 10), Read(1, 1, 5, 12), Write(2, 2, 5, 6), Read(2, 2, 6, 20)).IsLinearizable);

    [Fact]
    public void A_read_that_shows_less_than_had_been_acknowledged() => Refused(
        "read [3] by client 3 began at 0.000040 s, after write 2 [2] by client 2 had returned at 0.000030 s (0), and yet stands before it in the log: "
        + "it shows index 1, the other 2, and was answered 1",
        Write(1, 1, 0, 10),
        Write(2, 2, 20, 30),
        Read(1, 1, 40, 50));

    [Fact]
    public void An_answer_that_is_not_the_one_at_its_place() => Refused(
        "read [2] by client 2, 0.000020 s to 0.000030 s, answered 7; at index 1, behind write 1 [1] by client 1 at index 1, the answer is 1",
        Write(1, 1, 0, 10),
        Read(7, 1, 20, 30));

    [Fact]
    public void Two_writes_in_one_place() => Refused(
        "write 1 [1] by client 1 and write 2 [2] by client 2 both took effect at index 1",
        Write(1, 1, 0, 10),
        Write(2, 1, 5, 10));

    [Fact]
    public void An_acknowledged_write_without_a_place() => Refused(
        "write 1 [1] by client 1, 0.000000 s to 0.000010 s, answered 0, and yet took effect nowhere",
        Write(1, null, 0, 10));

    [Fact]
    public void What_was_never_answered_counts_where_it_took_effect()
    {
        var lost = Write(1, 1, 0, null);

        Assert.True(Check(lost, Read(1, 1, 5, 6)).IsLinearizable);
        Assert.Equal(CheckResult.NotLinearizable, Check(lost, Read(0, 1, 5, 6)).Result);
        Assert.True(Check(lost with { Index = null }, Read(0, 0, 5, 6)).IsLinearizable);
    }

    private static void Refused(string why, params Operation<RegisterRequest, int>[] history)
    {
        var verdict = Check(history);
        Assert.Equal(why, verdict.Explanation);
        Assert.Equal(CheckResult.NotLinearizable, verdict.Result);
    }

    private static Verdict Check(params Operation<RegisterRequest, int>[] history) =>
        Witness.Check(history.Select(static (o, i) => o with { Number = (ulong)i + 1, Client = i + 1 }), new Registers());

    private static Operation<RegisterRequest, int> Write(int value, ulong? index, long from, long? to) =>
        new() { Number = 0, Client = 0, Invoked = from, Returned = to, Request = new RegisterRequest(value), Response = 0, Index = index };

    private static Operation<RegisterRequest, int> Read(int value, ulong? index, long from, long to) =>
        new() { Number = 0, Client = 0, Invoked = from, Returned = to, Request = new RegisterRequest(), Response = value, Index = index, IsRead = true };
}
