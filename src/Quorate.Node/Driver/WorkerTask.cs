using Quorate.Node.Storage;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Runs one piece of work at a time on a worker, and its continuation on the driver.</summary>
/// <remarks>
/// Threading: the driver calls; the work runs on the worker. Errors: an exception of the work is passed to the continuation, except those
/// after which the content of the disk is unknown: they are thrown by <see cref="TryComplete"/> and stop the node.
/// </remarks>
internal sealed class WorkerTask(IWorker worker, ILoop loop)
{
    private Func<object?>? _work;
    private Action<object?, IOException?>? _continuation;
    private object? _result;
    private Exception? _fault;
    private volatile bool _isDone;
    private Action? _run;

    /// <summary>Whether work was started whose continuation has not run.</summary>
    public bool IsBusy => _continuation is not null;

    /// <summary>Starts work; the previous one must have completed.</summary>
    public void Start(Func<object?> work, Action<object?, IOException?> continuation)
    {
        Invariant.That(!IsBusy, "one piece of work at a time");
        (_work, _continuation, _isDone) = (work, continuation, false);
        worker.Post(_run ??= Run);
    }

    /// <summary>Runs the continuation if the work is done. Returns false if there is none to run.</summary>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public bool TryComplete()
    {
        if (!_isDone)
            return false;
        var (continuation, result, fault) = (_continuation!, _result, _fault);
        (_work, _continuation, _result, _fault, _isDone) = (null, null, null, null, false);
        switch (fault)
        {
            case null:
                continuation(result, null);
                return true;
            case DiskFlushException:
                throw new DiskFlushException(fault.Message, fault);
            case IOException failure:
                continuation(null, failure);
                return true;
            default:
                throw new InvalidOperationException(fault.Message, fault);
        }
    }

    private void Run()
    {
        try
        {
            _result = _work!();
        }
#pragma warning disable CA1031 // The exception is passed to the driver.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _fault = fault;
        }

        _isDone = true;
        loop.Signal();
    }
}
