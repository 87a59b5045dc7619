using Grpc.Core;
using Quorate.Server.Etcd;

namespace Quorate.Server.Tests.Etcd;

/// <summary>No read and no write outlives its call: the pipes of a completed call are reused for a later one.</summary>
public sealed class GrpcStreamTests
{
    [Fact]
    public async Task The_end_of_a_call_ends_a_pending_read_and_a_pending_write_and_waits_for_both()
    {
        var (requests, responses) = (new PendingOperation(), new PendingOperation());
        var stream = Create(requests, responses);
        using var cancellation = new CancellationTokenSource();
        var read = stream.NextAsync(cancellation.Token);
        var write = stream.SendAsync("response", cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);

        var end = stream.EndAsync();
        Assert.True(requests.IsCancelled);
        Assert.True(responses.IsCancelled);
        Assert.False(end.IsCompleted);
        requests.Complete();
        Assert.False(end.IsCompleted);
        responses.Complete();

        await end;
    }

    [Fact]
    public async Task The_end_of_a_call_without_pending_operations_cancels_nothing()
    {
        var (requests, responses) = (new PendingOperation(), new PendingOperation());
        var stream = Create(requests, responses);
        requests.Complete();
        Assert.Null(await stream.NextAsync(CancellationToken.None));

        await stream.EndAsync();

        Assert.False(requests.IsCancelled);
        Assert.False(responses.IsCancelled);
    }

    /// <summary>Kestrel's methods throw when the client has reset the call.</summary>
    [Fact]
    public async Task The_end_of_a_call_that_its_client_has_reset_waits_for_its_operations()
    {
        var (requests, responses) = (new PendingOperation { IsReset = true }, new PendingOperation { IsReset = true });
        var stream = Create(requests, responses);
        _ = stream.NextAsync(CancellationToken.None);
        _ = stream.SendAsync("response", CancellationToken.None);

        var end = stream.EndAsync();
        Assert.False(end.IsCompleted);
        requests.Complete();
        responses.Complete();

        await end;
    }

    [Fact]
    public async Task An_operation_on_a_call_that_has_ended_is_an_IO_error()
    {
        var (requests, responses) = (new PendingOperation(), new PendingOperation());
        var stream = Create(requests, responses);
        requests.End();
        responses.End();

        await Assert.ThrowsAsync<IOException>(() => stream.NextAsync(CancellationToken.None));
        await Assert.ThrowsAsync<IOException>(() => stream.SendAsync("response", CancellationToken.None));
        await stream.EndAsync();
    }

    private static GrpcStream<string, string> Create(PendingOperation requests, PendingOperation responses) =>
        new(requests, responses, requests.Cancel, responses.Cancel);

    /// <summary>A stream whose operations complete when the test says so, with the error of a cancelled one.</summary>
    private sealed class PendingOperation : IAsyncStreamReader<string>, IServerStreamWriter<string>
    {
        private readonly TaskCompletionSource<bool> _operation = new();

        public bool IsReset { get; init; }

        public bool IsCancelled { get; private set; }

        public string Current => throw new InvalidOperationException("no message has been read");

        public WriteOptions? WriteOptions { get; set; }

        public void Cancel()
        {
            if (IsReset)
                throw new IOException("The client reset the request stream.");
            IsCancelled = true;
        }

        public void Complete()
        {
            if (IsCancelled)
                _operation.SetException(new RpcException(new Status(StatusCode.Internal, "Incoming message cancelled.")));
            else
                _operation.SetResult(false);
        }

        public void End() => _operation.SetException(new InvalidOperationException("Writing is not allowed after writer was completed."));

        public Task<bool> MoveNext(CancellationToken cancellationToken) => _operation.Task;

        public Task WriteAsync(string message) => _operation.Task;

        public Task WriteAsync(string message, CancellationToken cancellationToken) => _operation.Task;
    }
}
