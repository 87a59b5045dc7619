using System.Net;
using System.Net.Sockets;

namespace Quorate.Server.Tests.Hosting;

/// <summary>A client that does not complete the headers of a request cannot keep its connection.</summary>
public sealed class RequestDeadlineTests
{
    private static readonly TimeSpan Bar = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_connection_without_a_complete_request_is_closed_within_15_seconds()
    {
        await using var server = await ServerFixture.StartAsync();
        (string Name, byte[] Start, byte[] Continuation)[] clients =
        [
            ("silent", [], []),
            ("part of the HTTP/2 preface", "PRI * HT"u8.ToArray(), []),
            ("part of a request line", "GET /hea"u8.ToArray(), []),
            ("headers byte by byte", "GET /health HTTP/1.1\r\nHost: a\r\nX: "u8.ToArray(), "x"u8.ToArray()),
            ("many headers", "GET /health HTTP/1.1\r\nHost: a\r\n"u8.ToArray(), "X: y\r\n"u8.ToArray()),

            // SETTINGS, then HEADERS without END_HEADERS, which must be followed by CONTINUATION; 0x82 is ":method: GET".
            ("HTTP/2 headers without end",
                [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82],
                [0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82]),
        ];

        var open = await Task.WhenAll(clients.Select(client => IsOpenAfterAsync(server, client.Start, client.Continuation)));

        Assert.Equal([], clients.Zip(open).Where(pair => pair.Second).Select(pair => pair.First.Name));
        Assert.Contains("true", await server.Http.GetStringAsync(new Uri("/health", UriKind.Relative)));
    }

    /// <summary>Sends bytes slowly; returns whether the server still has the connection open when the time is up.</summary>
    private static async Task<bool> IsOpenAfterAsync(RunningServer server, byte[] start, byte[] continuation)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
        using var timeout = new CancellationTokenSource(Bar);
        var stream = client.GetStream();
        var sending = SendAsync(stream, start, continuation, timeout.Token);
        try
        {
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer, timeout.Token) > 0)
            {
                // What the server sends before it closes the connection does not matter.
            }

            return false;
        }
        catch (IOException)
        {
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        finally
        {
            await timeout.CancelAsync();
            await sending;
        }
    }

    private static async Task SendAsync(NetworkStream stream, byte[] start, byte[] continuation, CancellationToken stop)
    {
        try
        {
            await stream.WriteAsync(start, stop);
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
            while (continuation.Length > 0 && await timer.WaitForNextTickAsync(stop))
                await stream.WriteAsync(continuation, stop);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The server closed the connection, or the time is up.
        }
    }
}
