using Grpc.Core;
using Grpc.Net.Client;
using Quorate.Server.Protos;

namespace Quorate.Server.Bench;

/// <summary>The connections to the endpoints, in turn over all of them; each is one TCP connection that its clients share.</summary>
internal sealed class BenchConnections : IDisposable
{
    private readonly List<GrpcChannel> _channels = [];
    private readonly List<KV.KVClient> _clients = [];

    private BenchConnections(IReadOnlyList<Uri> endpoints, int connections)
    {
        for (var i = 0; i < connections; i++)
        {
            var channel = Open(endpoints[i % endpoints.Count]);
            _channels.Add(channel);
            _clients.Add(new KV.KVClient(channel));
        }
    }

    /// <summary>Asks every endpoint for its status, so that an unreachable one is found before anything is measured.</summary>
    /// <exception cref="RpcException">An endpoint did not answer.</exception>
    /// <exception cref="BenchException">The leader is to be driven, and no endpoint is it.</exception>
    public static async Task<BenchConnections> OpenAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        var leader = default(Uri);
        foreach (var endpoint in options.Endpoints)
        {
            using var channel = Open(endpoint);
            var call = new CallOptions(deadline: DateTime.UtcNow + options.Timeout, cancellationToken: cancellationToken);
            var status = await GetStatusAsync(endpoint, channel, call).ConfigureAwait(false);
            leader = status.Leader != 0 && status.Leader == status.Header.MemberId ? endpoint : leader;
        }

        if (options.TargetLeader && leader is null)
        {
            throw new BenchException("None of the endpoints leads. Name the leader's endpoint too, or wait for an election to end.");
        }

        return new BenchConnections(options.TargetLeader ? [leader!] : options.Endpoints, options.Connections);
    }

    public KV.KVClient ForClient(int client) => _clients[client % _clients.Count];

    public void Dispose()
    {
        foreach (var channel in _channels)
        {
            channel.Dispose();
        }
    }

    private static async Task<StatusResponse> GetStatusAsync(Uri endpoint, GrpcChannel channel, CallOptions call)
    {
        try
        {
            return await new Maintenance.MaintenanceClient(channel).StatusAsync(new StatusRequest(), call).ConfigureAwait(false);
        }
        catch (RpcException failure) when (failure.StatusCode is StatusCode.Cancelled)
        {
            throw new OperationCanceledException("Interrupted while asking for the status.", failure, call.CancellationToken);
        }
        catch (RpcException failure) when (failure.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new BenchException($"{endpoint} does not answer ({failure.StatusCode} {failure.Status.Detail}). Is a server listening there?");
        }
    }

    private static GrpcChannel Open(Uri endpoint) => GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions
    {
        // One handler a channel is one connection a channel. A second connection would open by itself when the first has as many
        // streams as the server allows, and the number of connections would no longer be what was asked for.
        HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false, UseProxy = false },
        DisposeHttpClient = true,
        MaxRetryAttempts = null,
        MaxReceiveMessageSize = null,
    });
}

/// <summary>The bench cannot begin; the message says why and what to do.</summary>
internal sealed class BenchException(string message) : Exception(message);
