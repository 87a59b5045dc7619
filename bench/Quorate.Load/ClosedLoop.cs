using System.Diagnostics;

namespace Quorate.Load;

/// <summary>N writers against one target; each proposes its next command when the previous one has completed.</summary>
internal static class ClosedLoop
{
    public static async Task<Measurement> RunAsync(
        string name, ILoadTarget target, LoadOptions options, string directory, CancellationToken cancellationToken)
    {
        await using (target)
        {
            await target.StartAsync(directory, cancellationToken);

            var recorder = new Recorder();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var writers = new Task[options.Writers];
            for (var writer = 0; writer < writers.Length; writer++)
            {
                var command = options.CreateCommand(writer);
                writers[writer] = Task.Run(() => WriteUntilAsync(target, command, recorder, stop.Token), CancellationToken.None);
            }

            await Task.Delay(options.Warmup, cancellationToken);
            recorder.Begin();
            await Task.Delay(options.Duration, cancellationToken);
            recorder.End();

            await stop.CancelAsync();
            await Task.WhenAll(writers);
            return recorder.Report(name, options);
        }
    }

    private static async Task WriteUntilAsync(ILoadTarget target, byte[] command, Recorder recorder, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var startedAt = Stopwatch.GetTimestamp();
            try
            {
                // The target does not get the token: a write in flight at the end of the run completes normally, so that
                // cancellation is not part of the measurement.
                await target.WriteAsync(command, CancellationToken.None);
                recorder.Record(startedAt);
            }
            catch (WriteRejectedException rejection)
            {
                recorder.RecordError(rejection.Message);
                await Task.Yield();
            }
        }
    }
}
