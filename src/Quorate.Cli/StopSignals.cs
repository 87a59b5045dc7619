using System.Runtime.InteropServices;

namespace Quorate.Cli;

/// <summary>SIGTERM and SIGINT of this process: the first stops the command gracefully, the second ends the process at once.</summary>
/// <remarks>
/// Threading: any thread. The runtime calls the handlers on the thread pool, possibly after <see cref="Dispose"/>: on a busy machine a
/// second signal arrives when the command has already ended. Nothing that a handler uses is therefore ever disposed.
/// </remarks>
internal sealed class StopSignals : IDisposable
{
#pragma warning disable CA2213 // See the remarks. Without a timer or a wait handle it holds nothing that needs disposal.
    private readonly CancellationTokenSource _stop = new();
#pragma warning restore CA2213
    private readonly TaskCompletionSource<PosixSignal> _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration _onTerminate;
    private readonly PosixSignalRegistration _onInterrupt;

    /// <summary>Handles the signals from now on.</summary>
    public StopSignals()
    {
        _onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle);
        _onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);

        void Handle(PosixSignalContext context) => context.Cancel = OnSignal(context.Signal);
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Completes at the first signal.</summary>
    public Task<PosixSignal> Received => _received.Task;

    /// <summary>Handles one signal. Returns whether its default action, the end of the process, must not take place.</summary>
    internal bool OnSignal(PosixSignal signal)
    {
        var isFirst = _received.TrySetResult(signal);
        _stop.Cancel();
        return isFirst;
    }

    public void Dispose()
    {
        _onTerminate.Dispose();
        _onInterrupt.Dispose();
    }
}
