using System.Diagnostics;
using System.Globalization;

namespace Quorate.Cli.Bench;

/// <summary>A progress line on the terminal, updated every second and cleared at the end.</summary>
internal static class BenchProgress
{
    public static async Task ShowUntilAsync(Task finished, BenchRecorder recorder, TextWriter terminal)
    {
        var startedAt = Stopwatch.GetTimestamp();
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var before = 0L;
        while (!finished.IsCompleted)
        {
            var tick = second.WaitForNextTickAsync().AsTask();
            await Task.WhenAny(finished, tick).ConfigureAwait(false);
            var done = recorder.SucceededCount;
            var seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
            await terminal.WriteAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"\r{seconds,5:F0} s  {done - before,8} op/s  {done,10} done  {recorder.FailedCount} failed ")).ConfigureAwait(false);
            before = done;
        }

        await terminal.WriteAsync("\r" + new string(' ', 70) + "\r").ConfigureAwait(false);
    }
}
