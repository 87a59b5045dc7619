using Grpc.Core;

namespace Quorate.Server.Etcd;

/// <summary>The requests of a call with a single request, which the framework has read already.</summary>
internal sealed class NoRequests<TRequest> : IAsyncStreamReader<TRequest>
{
    public static NoRequests<TRequest> Instance { get; } = new();

    public TRequest Current => throw new InvalidOperationException("the call has no further requests");

    public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(false);
}
