using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Quorate.Server.Hosting;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Hosting;

/// <summary>A connection that opens and resets streams in a loop is closed, and other connections are served (CVE-2023-44487).</summary>
public sealed class StreamResetTests
{
    private const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4;
    private const byte EndStream = 1, EndHeaders = 4, Acknowledge = 1;
    private const int StreamsMax = 62_700;
    private const int StreamsPerWrite = 100;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_resets_its_streams_in_a_loop_is_closed(bool withMessage)
    {
        await using var server = await ServerFixture.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
        var stream = client.GetStream();
        var closed = ReadToEndAsync(stream);
        await stream.WriteAsync((byte[])
            [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, []), .. Frame(Settings, Acknowledge, 0, [])]);

        var sent = 0;
        while (!closed.IsCompleted && sent < StreamsMax)
        {
            try
            {
                await stream.WriteAsync(Requests(1 + (2 * sent), withMessage));
                sent += StreamsPerWrite;
            }
            catch (IOException)
            {
                break;
            }
        }

        // The operating system may have taken all of them before the server has read the first.
        await closed.WaitAsync(TimeSpan.FromSeconds(60));
        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k") });
    }

    [Fact]
    public void A_client_that_cancels_some_calls_keeps_its_connection()
    {
        var time = new ManualTime();
        var counter = new StreamResetCounter(time);
        for (var second = 0; second < 60; second++)
        {
            for (var i = 0; i < StreamResetCounter.ResetsMax / 11; i++)
                Assert.False(counter.Add());
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private static byte[] Requests(int firstStream, bool withMessage)
    {
        byte[] headers =
        [
            0x83, 0x86, // :method POST, :scheme http
            .. Literal(0x04, "/etcdserverpb.KV/Range"), // :path
            .. Literal(0x01, "h"), // :authority
            .. Literal([0x0f, 0x10], "application/grpc"), // content-type
        ];
        byte[] message = [0, 0, 0, 0, 3, 0x0a, 1, (byte)'k'];
        byte[] cancel = [0, 0, 0, 8];
        return
        [
            .. Enumerable.Range(0, StreamsPerWrite).Select(i => firstStream + (2 * i)).SelectMany(id => (byte[])
            [
                .. Frame(Headers, (byte)(withMessage ? EndHeaders : EndHeaders | EndStream), id, headers),
                .. withMessage ? Frame(Data, EndStream, id, message) : [],
                .. Frame(ResetStream, 0, id, cancel),
            ]),
        ];
    }

    private static byte[] Literal(byte name, string value) => Literal([name], value);

    private static byte[] Literal(byte[] name, string value) => [.. name, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[2] = (byte)payload.Length;
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static async Task ReadToEndAsync(NetworkStream stream)
    {
        var buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset is as good as an end.
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }
}
