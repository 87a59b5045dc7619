using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>A read of many keys ends soon after its caller has stopped waiting.</summary>
public sealed class CancelledReadTests
{
    private const int Keys = 10_000;

    private readonly StoreUnderTest _store = new();

    public CancelledReadTests()
    {
        for (var i = 0; i < Keys; i++)
            _store.ApplyInBatch(Put($"k{i:D5}", "v"));
        _store.EndBatch();
    }

    [Fact]
    public void A_cancelled_range_ends_at_the_next_poll() => AssertEnds(cancellation => _store.Current.Range(All, cancellation));

    [Fact]
    public void A_cancelled_count_of_an_old_revision_ends_at_the_next_poll() =>
        AssertEnds(cancellation => _store.Current.Range(All with { CountOnly = true, Revision = Keys }, cancellation));

    [Fact]
    public void A_cancelled_transaction_ends_at_the_next_poll()
    {
        AssertEnds(cancellation => _store.Current.Txn(Txn(then: [All]), cancellation));
        AssertEnds(cancellation => _store.Current.Txn(
            Txn(when: [new KeyCompare(All.Keys, CompareTarget.Version, CompareResult.Equal) { Number = 1 }]), cancellation));
    }

    private static RangeRequest All => Range("k", "l");

    /// <summary>The read polls regularly; if it is cancelled at the third poll, there is no fourth.</summary>
    private static void AssertEnds(Func<IReadCancellation, KvResult> read)
    {
        var never = new CancelledAtPoll(int.MaxValue);
        Assert.True(read(never).IsOk);
        Assert.InRange(never.Polls, Keys / 1000, Keys);

        var third = new CancelledAtPoll(3);
        Assert.Throws<OperationCanceledException>(() => read(third));
        Assert.Equal(3, third.Polls);
    }

    private sealed class CancelledAtPoll(int poll) : IReadCancellation
    {
        public int Polls { get; private set; }

        public bool IsCancellationRequested => ++Polls >= poll;
    }
}
