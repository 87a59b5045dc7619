using Grpc.Core;
using Grpc.Net.Client;
using Quorate.Server.Protos;

namespace Quorate.Cli.Bench;

/// <summary>The connections, distributed round-robin over the endpoints. Each is one TCP connection shared by several clients.</summary>
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

    /// <summary>
    /// Requests the status of every endpoint, so that an unreachable one is found before the measurement, and opens the connections.
    /// </summary>
    /// <exception cref="RpcException">The status request failed.</exception>
    /// <exception cref="BenchException">An endpoint does not respond, or --target-leader is set and no endpoint is the leader.</exception>
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
            throw new BenchException("no endpoint is the leader; add the leader's endpoint to --endpoints, or retry after the election");
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
            throw new OperationCanceledException("interrupted while requesting the status", failure, call.CancellationToken);
        }
        catch (RpcException failure) when (failure.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new BenchException(
                $"{endpoint} does not respond ({failure.StatusCode} {failure.Status.Detail}); check that a server listens there");
        }
    }

    private static GrpcChannel Open(Uri endpoint) => GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions
    {
        // One handler per channel, so one connection per channel. By default the handler opens a second connection when the first has as
        // many streams as the server allows, and the number of connections would differ from --connections.
        HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false, UseProxy = false },
        DisposeHttpClient = true,
        MaxRetryAttempts = null,
        MaxReceiveMessageSize = null,
    });
}

/// <summary>The bench cannot start; the message contains the reason and the remedy.</summary>
internal sealed class BenchException(string message) : Exception(message);
