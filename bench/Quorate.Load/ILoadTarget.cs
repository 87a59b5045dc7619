namespace Quorate.Load;

/// <summary>A replicated log under load: three members in this process, joined by TCP on loopback, each with its own files.</summary>
/// <remarks>
/// Every target runs in the same process as its writers, so that the comparison measures the library alone.
/// Threading: all writers call <see cref="WriteAsync"/> concurrently.
/// </remarks>
internal interface ILoadTarget : IAsyncDisposable
{
    /// <summary>Starts three members below <paramref name="directory"/> and returns once one of them leads.</summary>
    Task StartAsync(string directory, CancellationToken cancellationToken);

    /// <summary>Proposes one command on the leader and returns once it is acknowledged as committed.</summary>
    /// <exception cref="WriteRejectedException">The write was not acknowledged.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken);
}

/// <summary>A write completed without being committed.</summary>
internal sealed class WriteRejectedException(string reason) : Exception(reason);
