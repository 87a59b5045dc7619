using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>The bytes of large requests in progress are bounded, in order, and every byte is given back.</summary>
public sealed class ReceiveBudgetTests
{
    private readonly ReceiveBudget _budget = new(100, TimeProvider.System);

    [Fact]
    public async Task Requests_that_do_not_fit_wait_in_order()
    {
        Assert.True(await AcquireAsync(60));
        var large = AcquireAsync(50);
        var small = AcquireAsync(10); // It would fit, but the large one could then wait without end.

        Assert.False(large.IsCompleted || small.IsCompleted);
        _budget.Release(60);

        Assert.True(await large);
        Assert.True(await small);
        Assert.Equal(60, _budget.Used);
    }

    [Fact]
    public async Task A_request_larger_than_the_budget_is_served_alone()
    {
        Assert.True(await AcquireAsync(1000));
        var next = AcquireAsync(1);

        Assert.False(next.IsCompleted);
        _budget.Release(1000);
        Assert.True(await next);
    }

    [Fact]
    public async Task A_cancelled_wait_lets_the_next_one_pass()
    {
        using var cancellation = new CancellationTokenSource();
        Assert.True(await AcquireAsync(90));
        var large = _budget.TryAcquireAsync(50, cancellation.Token).AsTask();
        var small = AcquireAsync(10);

        await cancellation.CancelAsync();

        Assert.False(await large);
        Assert.True(await small);
        Assert.Equal(100, _budget.Used);
    }

    [Fact]
    public async Task The_number_of_waiting_requests_is_bounded()
    {
        Assert.True(await AcquireAsync(100));
        var waiting = Enumerable.Range(0, 128).Select(_ => AcquireAsync(1)).ToArray();

        Assert.False(await AcquireAsync(1));
        _budget.Release(100);
        Assert.All(await Task.WhenAll(waiting.Take(100)), Assert.True);
    }

    /// <summary>After many times the budget of settled requests, as much is accepted as at the start.</summary>
    [Fact]
    public async Task Every_byte_is_given_back()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                using var cancellation = new CancellationTokenSource();
                var bytes = 1 + ((i * 37 + worker) % 90);
                var acquiring = _budget.TryAcquireAsync(bytes, cancellation.Token);
                if (i % 3 == 0)
                    await cancellation.CancelAsync();
                if (await acquiring)
                    _budget.Release(bytes);
            }
        })));

        Assert.Equal(0, _budget.Used);
        Assert.True(AcquireAsync(100).IsCompletedSuccessfully);
    }

    private Task<bool> AcquireAsync(long bytes) => _budget.TryAcquireAsync(bytes, CancellationToken.None).AsTask();
}
