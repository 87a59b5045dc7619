using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>
/// The witness checks one claimed order, that of the log indexes: it must agree with the times of the operations and with their responses.
/// </summary>
public sealed class WitnessOrderCheckerTests
{
    [Fact]
    public void The_witness_accepts_an_order_that_explains_every_response() =>
        Assert.True(Check(Write(1, 1, 0, 10), Read(1, 1, 5, 12), Write(2, 2, 5, 6), Read(2, 2, 6, 20)).IsLinearizable);

    [Fact]
    public void The_witness_rejects_a_read_below_an_acknowledged_write() => AssertRejected(
        "read [3] by client 3 began at 0.000040 s, after write 2 [2] by client 2 had returned at 0.000030 s (0), "
        + "but precedes it in the log: it observed index 1, the other 2, and it returned 1",
        Write(1, 1, 0, 10),
        Write(2, 2, 20, 30),
        Read(1, 1, 40, 50));

    [Fact]
    public void The_witness_rejects_a_response_that_contradicts_its_index() => AssertRejected(
        "read [2] by client 2, 0.000020 s to 0.000030 s, returned 7; at index 1, after write 1 [1] by client 1 at index 1, the result is 1",
        Write(1, 1, 0, 10),
        Read(7, 1, 20, 30));

    [Fact]
    public void The_witness_rejects_two_writes_at_one_index() => AssertRejected(
        "write 1 [1] by client 1 and write 2 [2] by client 2 both took effect at index 1",
        Write(1, 1, 0, 10),
        Write(2, 1, 5, 10));

    [Fact]
    public void The_witness_rejects_an_acknowledged_write_without_an_index() => AssertRejected(
        "write 1 [1] by client 1, 0.000000 s to 0.000010 s, returned 0, but took effect at no index",
        Write(1, null, 0, 10));

    [Fact]
    public void An_unacknowledged_write_counts_at_its_index()
    {
        var lost = Write(1, 1, 0, null);

        Assert.True(Check(lost, Read(1, 1, 5, 6)).IsLinearizable);
        Assert.Equal(LinearizabilityCheckResult.NotLinearizable, Check(lost, Read(0, 1, 5, 6)).Result);
        Assert.True(Check(lost with { Index = null }, Read(0, 0, 5, 6)).IsLinearizable);
    }

    private static void AssertRejected(string explanation, params HistoryOperation<RegisterRequest, int>[] history)
    {
        var verdict = Check(history);
        Assert.Equal(explanation, verdict.Explanation);
        Assert.Equal(LinearizabilityCheckResult.NotLinearizable, verdict.Result);
    }

    private static LinearizabilityReport Check(params HistoryOperation<RegisterRequest, int>[] history) =>
        WitnessOrderChecker.Check(history.Select(static (o, i) => o with { Number = (ulong)i + 1, Client = i + 1 }), new RegisterModel());

    private static HistoryOperation<RegisterRequest, int> Write(int value, ulong? index, long from, long? to) =>
        new() { Number = 0, Client = 0, Invoked = from, Returned = to, Request = new RegisterRequest(value), Response = 0, Index = index };

    private static HistoryOperation<RegisterRequest, int> Read(int value, ulong? index, long from, long to) =>
        new()
        {
            Number = 0, Client = 0, Invoked = from, Returned = to, Request = new RegisterRequest(), Response = value, Index = index,
            IsRead = true
        };
}
