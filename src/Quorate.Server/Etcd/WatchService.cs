using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Exposes <see cref="WatchApi"/> as etcd's gRPC Watch service.</summary>
internal sealed class WatchService(WatchApi api, StreamCancellationMonitor guard) : Watch.WatchBase
{
    /// <inheritdoc/>
    public override Task Watch(
        IAsyncStreamReader<WatchRequest> requestStream, IServerStreamWriter<WatchResponse> responseStream, ServerCallContext context) =>
        guard.RunAsync(requestStream, responseStream, context, (stream, call) => api.RunAsync(stream.NextAsync, stream.SendAsync, call));
}
