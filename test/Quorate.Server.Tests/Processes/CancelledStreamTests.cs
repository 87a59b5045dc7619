using Grpc.Core;
using Grpc.Net.Client;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>Streams that end while others of the same connection go on leave no trace: no error of another call, no stack trace.</summary>
/// <remarks>
/// Kestrel reuses the pipes of a completed stream. A read that outlives its stream takes part in a later one, which then fails with status
/// Unknown, or HTTP status 500: "Reading is already in progress".
/// </remarks>
[Collection(ProcessesCollection.Name)]
public sealed class CancelledStreamTests
{
    private const int Rounds = 40;
    private const int StreamsPerRound = 50;

    [Fact]
    public async Task Streams_that_the_client_cancels_do_not_disturb_later_calls()
    {
        await using var cluster = await ServerCluster.StartAsync(1);
        using var channel = OpenConnection(cluster, 1);
        for (var round = 0; round < Rounds; round++)
        {
            using var cancellation = new CancellationTokenSource();
            var streams = Enumerable.Range(0, StreamsPerRound).Select(i => RunStreamAsync(channel, i, cancellation.Token)).ToArray();
            var calls = Enumerable.Range(0, StreamsPerRound).Select(_ => CallAsync(channel)).ToArray();
            await cancellation.CancelAsync();

            var later = Enumerable.Range(0, StreamsPerRound).Select(_ => CallAsync(channel)).ToArray();
            Assert.All(await Task.WhenAll([.. calls, .. later]), code => Assert.Equal(StatusCode.OK, code));
            Assert.All(await Task.WhenAll(streams), code => Assert.Equal(StatusCode.Cancelled, code));
        }

        AssertNoStackTrace(cluster, 1);
    }

    /// <summary>Without a leader the server itself ends streams that require one, while their reads are pending.</summary>
    [Fact]
    public async Task Streams_that_the_server_ends_do_not_disturb_later_calls()
    {
        await using var cluster = await ServerCluster.StartAsync(3, "--heartbeat-interval=20", "--election-timeout=100");
        using var channel = OpenConnection(cluster, 1);
        for (var round = 0; round < 5; round++)
        {
            var streams = Enumerable.Range(0, StreamsPerRound * 4)
                .Select(i => RunStreamAsync(channel, i, CancellationToken.None)).ToArray();
            await CallAsync(channel);
            await cluster.GetProcess(2).PauseAsync();
            await cluster.GetProcess(3).PauseAsync();
            while (!Array.TrueForAll(streams, stream => stream.IsCompleted))
            {
                var later = await Task.WhenAll(Enumerable.Range(0, StreamsPerRound).Select(_ => CallAsync(channel)));
                Assert.All(later, code => Assert.Equal(StatusCode.OK, code));
            }

            await cluster.GetProcess(2).ResumeAsync();
            await cluster.GetProcess(3).ResumeAsync();
            Assert.All(await Task.WhenAll(streams), code => Assert.Equal(StatusCode.Unavailable, code));
            await cluster.WaitForLeaderAsync();
        }

        AssertNoStackTrace(cluster, 1);
    }

    /// <summary>One connection for all calls, so that they share the pool of streams.</summary>
    private static GrpcChannel OpenConnection(ServerCluster cluster, int member) => GrpcChannel.ForAddress(
        $"http://{cluster.Endpoint(member)}",
        new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false }, DisposeHttpClient = true,
        });

    /// <summary>Opens a watch or a keep-alive stream that requires a leader, and waits for its end.</summary>
    /// <remarks>Every second stream sends a request.</remarks>
    private static async Task<StatusCode> RunStreamAsync(GrpcChannel channel, int number, CancellationToken cancellation)
    {
        var headers = new Metadata { { "hasleader", "true" } };
        try
        {
            if (number % 4 < 2)
            {
                using var watch = new Watch.WatchClient(channel).Watch(headers, cancellationToken: cancellation);
                if (number % 2 == 0)
                {
                    var create = new WatchCreateRequest { Key = "k".ToByteString() };
                    await watch.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, cancellation);
                }

                while (await watch.ResponseStream.MoveNext(cancellation))
                {
                    // Only the end of the stream matters.
                }
            }
            else
            {
                using var keepAlive = new Lease.LeaseClient(channel).LeaseKeepAlive(headers, cancellationToken: cancellation);
                if (number % 2 == 0)
                    await keepAlive.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = 1 }, cancellation);
                while (await keepAlive.ResponseStream.MoveNext(cancellation))
                {
                    // Only the end of the stream matters.
                }
            }

            return StatusCode.OK;
        }
        catch (RpcException ended)
        {
            return ended.StatusCode;
        }
        catch (OperationCanceledException)
        {
            return StatusCode.Cancelled;
        }
    }

    /// <summary>Makes a call that needs no leader.</summary>
    private static async Task<StatusCode> CallAsync(GrpcChannel channel)
    {
        try
        {
            await new KV.KVClient(channel).RangeAsync(new RangeRequest { Key = "k".ToByteString(), Serializable = true });
            return StatusCode.OK;
        }
        catch (RpcException error)
        {
            Assert.Fail(error.Status.ToString());
            throw;
        }
    }

    private static void AssertNoStackTrace(ServerCluster cluster, int member)
    {
        Assert.DoesNotContain("Exception", cluster.GetProcess(member).Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("fail: ", cluster.GetProcess(member).Errors, StringComparison.Ordinal);
    }
}
