using Quorate.Load.Http2;
using Quorate.Load.Servers;

namespace Quorate.Load.Tests;

/// <summary>What a connection makes of the frames of a server, sent one by one by <see cref="ScriptedServer"/>.</summary>
public sealed class Http2ConnectionTests
{
    private const FrameFlags None = FrameFlags.None;
    private const FrameFlags EndStream = FrameFlags.EndStreamOrAck;
    private const FrameFlags EndHeaders = FrameFlags.EndHeaders;

    // :status 200, and an empty message of a put.
    private static readonly byte[] Headers = ScriptedServer.Frame(FrameType.Headers, EndHeaders, 1, [0x88]);
    private static readonly byte[] Data = ScriptedServer.Frame(FrameType.Data, None, 1, new byte[5]);

    [Fact]
    public async Task A_response_in_one_frame_each_succeeds()
    {
        Assert.Null(await RunAsync(Headers, Data, Trailers("0")));
    }

    [Fact]
    public async Task A_response_in_pieces_with_padding_and_continuations_succeeds()
    {
        byte[][] frames =
        [
            ScriptedServer.Frame(FrameType.Headers, FrameFlags.Padded | FrameFlags.Priority, 1, [3, 0, 0, 0, 0, 0, 0x48, 0, 0, 0]),
            ScriptedServer.Frame(FrameType.Continuation, None, 1, "\u0003"u8),
            ScriptedServer.Frame(FrameType.Continuation, EndHeaders, 1, "200"u8),
            ScriptedServer.Frame(FrameType.Ping, None, 0, new byte[8]),
            ScriptedServer.Frame(FrameType.Data, FrameFlags.Padded, 1, [2, 0, 0, 0, 9, 9]),
            ScriptedServer.Frame(FrameType.Data, None, 1, [0, 0]),
            ScriptedServer.Frame((FrameType)0x77, None, 0, [1, 2, 3]),
            Trailers("0"),
        ];

        // Byte by byte: a frame may arrive in any number of reads.
        Assert.Null(await RunAsync([.. frames.SelectMany(frame => frame).Select(value => new[] { value })]));
    }

    [Fact]
    public async Task A_response_without_success_is_an_error()
    {
        Assert.StartsWith("grpc-status 14: ", await RunAsync(Headers, Trailers("14")), StringComparison.Ordinal);
        Assert.Equal("HTTP status 404", await RunAsync(ScriptedServer.Frame(FrameType.Headers, EndHeaders | EndStream, 1, [0x8d])));
        Assert.Equal(
            "the response has no grpc-status", await RunAsync(Headers, ScriptedServer.Frame(FrameType.Data, EndStream, 1, new byte[5])));
        Assert.Equal("the response is not exactly one uncompressed message", await RunAsync(Headers, Trailers("0")));
    }

    [Fact]
    public async Task RST_STREAM_is_an_error()
    {
        Assert.Equal(
            "RST_STREAM, error code 7", await RunAsync(Headers, ScriptedServer.Frame(FrameType.RstStream, None, 1, [0, 0, 0, 7])));
    }

    [Fact]
    public async Task GOAWAY_fails_the_streams_that_the_server_will_not_process()
    {
        Assert.Equal(
            "GOAWAY, error code 2", await RunAsync(ScriptedServer.Frame(FrameType.GoAway, None, 0, [0, 0, 0, 0, 0, 0, 0, 2])));
        Assert.Null(
            await RunAsync(ScriptedServer.Frame(FrameType.GoAway, None, 0, [0, 0, 0, 1, 0, 0, 0, 0]), Headers, Data, Trailers("0")));
    }

    [Fact]
    public async Task What_is_not_HTTP2_is_an_error()
    {
        Assert.StartsWith(
            "a frame of ", await RunAsync([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]), StringComparison.Ordinal);
        Assert.StartsWith(
            "a header block refers to entry ",
            await RunAsync(ScriptedServer.Frame(FrameType.Headers, EndHeaders, 1, [0xff, 0x00])),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_respond_in_time_is_an_error()
    {
        Assert.Equal("timeout", await RunAsync());
    }

    [Fact]
    public async Task A_server_whose_limits_are_too_small_is_refused_in_words()
    {
        // SETTINGS_HEADER_TABLE_SIZE 0, and SETTINGS_MAX_CONCURRENT_STREAMS 0.
        var tableError = await Assert.ThrowsAsync<Http2Exception>(() => RunWithAsync([0, 1, 0, 0, 0, 0], []));
        var streamsError = await Assert.ThrowsAsync<Http2Exception>(() => RunWithAsync([0, 3, 0, 0, 0, 0], []));

        Assert.Contains("header table", tableError.Message, StringComparison.Ordinal);
        Assert.Contains("--connections", streamsError.Message, StringComparison.Ordinal);
    }

    private static byte[] Trailers(string status) => ScriptedServer.Frame(
        FrameType.Headers, EndHeaders | EndStream, 1, [0x00, 11, .. "grpc-status"u8, (byte)status.Length, .. status.Select(c => (byte)c)]);

    private static Task<string?> RunAsync(params byte[][] writes) => RunWithAsync([], writes);

    /// <summary>Starts one operation, and returns its error once it has ended.</summary>
    private static async Task<string?> RunWithAsync(byte[] settings, byte[][] writes)
    {
        using var server = new ScriptedServer();
        var script = server.RunAsync(settings, requests: 1, writes);
        var handler = new Handler();
        using (var connection = new Http2Connection(server.Endpoint, EtcdMessages.Put, new byte[20], clients: 1, handler))
        {
            var poller = new Poller([connection]);
            connection.Open(TimeSpan.FromSeconds(30));
            connection.Start(connection.Calls[0], startedAt: 0, now: 0);
            while (connection.Calls[0].IsActive)
            {
                connection.Flush();
                if (writes.Length == 0)
                {
                    connection.ExpireCalls(sentBefore: 1);
                    continue;
                }

                poller.Wait(deadline: long.MaxValue);
                connection.Receive();
            }

            connection.Flush();
        }

        await script.ContinueWith(_ => { }, TaskScheduler.Default);
        return handler.Error;
    }

    private sealed class Handler : ICallHandler
    {
        public string? Error { get; private set; }

        public void Prepare(Span<byte> message)
        {
        }

        public void OnCompleted(Call call, string? error) => Error = error;
    }
}
