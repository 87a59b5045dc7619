using System.Diagnostics;
using Quorate.Load.Servers;

namespace Quorate.Load.Tests;

/// <summary>When operations start. The tests pass the time, so they do not depend on the speed of the machine.</summary>
public sealed class OperationScheduleTests
{
    private static readonly long Second = Stopwatch.Frequency;

    [Fact]
    public void A_closed_loop_starts_operations_at_once_until_the_end()
    {
        var now = Stopwatch.GetTimestamp();
        var schedule = new OperationSchedule(total: null, TimeSpan.FromSeconds(100), rate: null);

        Assert.True(schedule.TryStart(now, out var startedAt));
        Assert.Equal(now, startedAt);
        Assert.False(schedule.TryStart(now + (200 * Second), out _));
        Assert.True(schedule.IsOver(now + (200 * Second)));
        Assert.Equal(0, schedule.CountNeverStarted());
    }

    [Fact]
    public void A_total_is_not_exceeded()
    {
        var now = Stopwatch.GetTimestamp();
        var schedule = new OperationSchedule(total: 2, TimeSpan.Zero, rate: null);

        Assert.True(schedule.TryStart(now, out _));
        Assert.False(schedule.IsOver(now));
        Assert.True(schedule.TryStart(now, out _));
        Assert.False(schedule.TryStart(now, out _));
        Assert.True(schedule.IsOver(now));
    }

    /// <summary>Operations that were due while nothing could start count from the time they were due (no coordinated omission).</summary>
    [Fact]
    public void An_open_loop_counts_latency_from_the_due_time()
    {
        var schedule = new OperationSchedule(total: null, TimeSpan.FromSeconds(100), rate: 10);
        var start = schedule.NextEvent();
        var late = start + (Second / 4);

        Assert.False(schedule.TryStart(start - 1, out _));
        var due = new List<long>();
        while (schedule.TryStart(late, out var startedAt))
        {
            due.Add(startedAt - start);
        }

        Assert.Equal([0, Second / 10, 2 * Second / 10], due);
        Assert.Equal(start + (3 * Second / 10), schedule.NextEvent());
    }

    [Fact]
    public void What_was_due_and_never_started_is_counted()
    {
        var schedule = new OperationSchedule(total: null, TimeSpan.FromSeconds(1), rate: 100);
        Assert.True(schedule.TryStart(schedule.NextEvent(), out _));

        Assert.InRange(schedule.CountNeverStarted(), 99, 100);
    }
}
