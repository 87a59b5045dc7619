namespace Quorate.Kv;

/// <summary>Ends a read whose caller no longer waits for its result.</summary>
/// <remarks>
/// This project uses no threads, so it takes no cancellation token: a read asks its caller, once in every few hundred keys.
/// Threading: called by the thread that reads.
/// </remarks>
public interface IReadCancellation
{
    /// <summary>Whether the read must end, with an <see cref="OperationCanceledException"/>.</summary>
    bool IsCancellationRequested { get; }
}
