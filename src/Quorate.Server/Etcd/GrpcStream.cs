using Grpc.Core;

namespace Quorate.Server.Etcd;

/// <summary>Reads and writes the messages of one streaming call in a way that lets the server end the call with a status.</summary>
/// <remarks>
/// A token passed to gRPC's own methods resets the call when it is cancelled: the client then receives a broken stream instead of the
/// status. These methods therefore get no token; only the wait for them is cancelled, and the operation stays pending.
/// <para>
/// No operation may outlive its call: Kestrel reuses the pipes of a completed call for a later one, and a read that completes only then
/// takes part in the later call, which fails with "Reading is already in progress". <see cref="EndAsync"/> therefore ends what is pending.
/// </para>
/// Errors: <see cref="IOException"/> and <see cref="OperationCanceledException"/> for a call that has ended.
/// Threading: one reader and one writer at a time; <see cref="EndAsync"/> after both have returned.
/// </remarks>
/// <param name="requests">The requests of the call.</param>
/// <param name="responses">The responses of the call.</param>
/// <param name="cancelRead">Ends a pending read; it throws if the client has reset the call.</param>
/// <param name="cancelWrite">Ends a pending write; it throws if the client has reset the call.</param>
internal sealed class GrpcStream<TRequest, TResponse>(
    IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, Action cancelRead, Action cancelWrite)
    where TRequest : class
{
    private static readonly WriteOptions Unflushed = new(WriteFlags.BufferHint);

    private Task _read = Task.CompletedTask;
    private Task _write = Task.CompletedTask;

    /// <summary>Reads the next message; returns null when the client has completed its stream.</summary>
    public async Task<TRequest?> NextAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            var read = requests.MoveNext(CancellationToken.None);
            _read = read;
            return await read.WaitAsync(cancellation).ConfigureAwait(false) ? requests.Current : null;
        }
        catch (InvalidOperationException e)
        {
            throw Ended(e);
        }
    }

    /// <summary>Sends a message and waits until the stream can accept the next one.</summary>
    public async Task SendAsync(TResponse message, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            var write = responses.WriteAsync(message, CancellationToken.None);
            _write = write;
            await write.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (InvalidOperationException e)
        {
            throw Ended(e);
        }
    }

    /// <summary>
    /// Sends a message; without <paramref name="flush"/> it may stay in memory until the next message that is flushed, or until the end of
    /// the call.
    /// </summary>
    public Task SendAsync(TResponse message, bool flush, CancellationToken cancellation)
    {
        responses.WriteOptions = flush ? null : Unflushed;
        return SendAsync(message, cancellation);
    }

    /// <summary>Ends the pending read and the pending write, and waits until both have completed. Never throws.</summary>
    public async Task EndAsync()
    {
        Cancel(_read, cancelRead);
        Cancel(_write, cancelWrite);
        await _read.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _write.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>
    /// Kestrel reports an operation on a call that its client has reset, or whose deadline has passed, as invalid if the token of the call
    /// is not cancelled yet.
    /// </summary>
    private static IOException Ended(InvalidOperationException error) =>
        new("the call has ended: its client has reset it, or its deadline has passed", error);

    private static void Cancel(Task pending, Action cancel)
    {
        if (pending.IsCompleted)
            return;
        try
        {
            cancel();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has reset the call, which ends the operation as well.
        }
    }
}
