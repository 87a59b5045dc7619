using System.Diagnostics;
using Quorate.Server.Bench;

namespace Quorate.Server.Tests.Bench;

/// <summary>When operations begin, and from when their latency counts.</summary>
public sealed class BenchPaceTests
{
    [Fact]
    public async Task With_a_total_the_clients_together_get_that_many_turns()
    {
        var pace = new BenchPace(total: 1000, TimeSpan.Zero, rate: null);

        var turns = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            while (await pace.NextAsync(CancellationToken.None) is not null)
            {
                count++;
            }

            return count;
        })));

        Assert.Equal(1000, turns.Sum());
    }

    [Fact]
    public async Task In_an_open_loop_a_client_that_comes_late_counts_from_when_its_turn_was_due()
    {
        const double Rate = 1000;
        var created = Stopwatch.GetTimestamp();
        var pace = new BenchPace(total: 100, TimeSpan.Zero, Rate);
        // A server that answers nothing for 60 ms: turns 0 to 59 are due meanwhile, and none of them is forgiven.
        while (Stopwatch.GetElapsedTime(created) < TimeSpan.FromMilliseconds(60))
        {
        }

        var first = Assert.NotNull(await pace.NextAsync(CancellationToken.None));
        var second = Assert.NotNull(await pace.NextAsync(CancellationToken.None));

        Assert.True(Stopwatch.GetElapsedTime(first) > TimeSpan.FromMilliseconds(50), "the stall is in the latency");
        Assert.Equal(1.0, Stopwatch.GetElapsedTime(first, second).TotalMilliseconds, tolerance: 0.01);
    }

    [Fact]
    public async Task In_an_open_loop_nobody_begins_before_the_turn_is_due()
    {
        var pace = new BenchPace(total: 20, TimeSpan.Zero, rate: 200);
        var first = Assert.NotNull(await pace.NextAsync(CancellationToken.None));

        for (var turn = 1; turn < 20; turn++)
        {
            var start = Assert.NotNull(await pace.NextAsync(CancellationToken.None));
            Assert.True(Stopwatch.GetElapsedTime(first, start) >= TimeSpan.FromMilliseconds((5 * turn) - 0.01));
        }
    }

    [Fact]
    public async Task A_cancelled_bench_gives_no_more_turns()
    {
        var pace = new BenchPace(total: null, TimeSpan.FromMinutes(1), rate: null);

        Assert.Null(await pace.NextAsync(new CancellationToken(canceled: true)));
    }
}
