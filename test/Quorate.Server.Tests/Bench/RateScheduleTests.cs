using System.Diagnostics;
using Quorate.Cli.Bench;

namespace Quorate.Server.Tests.Bench;

/// <summary>The start times of operations, and the time from which their latency counts.</summary>
public sealed class RateScheduleTests
{
    [Fact]
    public async Task A_schedule_limits_the_total_operations_of_all_clients()
    {
        var schedule = new RateSchedule(total: 1000, TimeSpan.Zero, rate: null);

        var operations = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            while (await schedule.NextAsync(CancellationToken.None) is not null)
            {
                count++;
            }

            return count;
        })));

        Assert.Equal(1000, operations.Sum());
    }

    [Fact]
    public async Task A_late_client_of_an_open_loop_measures_latency_from_the_due_time()
    {
        const double Rate = 1000;
        var created = Stopwatch.GetTimestamp();
        var schedule = new RateSchedule(total: 100, TimeSpan.Zero, Rate);
        // A server that does not respond for 60 ms: operations 0 to 59 are due meanwhile, and all of them count.
        while (Stopwatch.GetElapsedTime(created) < TimeSpan.FromMilliseconds(60))
        {
        }

        var first = Assert.NotNull(await schedule.NextAsync(CancellationToken.None));
        var second = Assert.NotNull(await schedule.NextAsync(CancellationToken.None));

        Assert.True(Stopwatch.GetElapsedTime(first) > TimeSpan.FromMilliseconds(50), "the stall is in the latency");
        Assert.Equal(1.0, Stopwatch.GetElapsedTime(first, second).TotalMilliseconds, tolerance: 0.01);
    }

    [Fact]
    public async Task No_operation_of_an_open_loop_starts_before_it_is_due()
    {
        var schedule = new RateSchedule(total: 20, TimeSpan.Zero, rate: 200);
        var first = Assert.NotNull(await schedule.NextAsync(CancellationToken.None));

        for (var operation = 1; operation < 20; operation++)
        {
            var start = Assert.NotNull(await schedule.NextAsync(CancellationToken.None));
            Assert.True(Stopwatch.GetElapsedTime(first, start) >= TimeSpan.FromMilliseconds((5 * operation) - 0.01));
        }
    }

    [Fact]
    public async Task A_cancelled_bench_starts_no_more_operations()
    {
        var schedule = new RateSchedule(total: null, TimeSpan.FromMinutes(1), rate: null);

        Assert.Null(await schedule.NextAsync(new CancellationToken(canceled: true)));
    }
}
