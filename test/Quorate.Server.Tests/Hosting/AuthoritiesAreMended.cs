using System.Buffers;
using System.IO.Pipelines;
using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>etcd's Go client up to 3.4 sends a URL as :authority, and Kestrel would reset the stream.</summary>
public sealed class AuthoritiesAreMended
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
    private static readonly byte[] Settings = Frame(type: 4, []);

    // RFC 7541, Appendix B: "http://a" takes 46 bits, which two ones fill up to bytes; a is 00011.
    private static readonly byte[] CompressedUrl = [0x41, 0x86, 0x9d, 0x29, 0xae, 0xe3, 0x0c, 0x0f];
    private static readonly byte[] CompressedMended = [0x41, 0x86, 0x9d, 0x29, 0xaf, 0xca, 0xeb, 0x8f];
    private static readonly byte[] PlainUrl = [0x41, 8, .. "http://a"u8];
    private static readonly byte[] PlainMended = [0x41, 8, .. "httpx..a"u8];
    private static readonly byte[] Indexed = [0x82, 0x87];

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_URL_becomes_a_name_wherever_the_bytes_are_parted(bool compressed, int partedAt)
    {
        byte[] sent = [.. Preface, .. Settings, .. Frame(1, [.. Indexed, .. compressed ? CompressedUrl : PlainUrl]), .. Frame(0, [1, 2, 3])];
        byte[] wanted = [.. Preface, .. Settings, .. Frame(1, [.. Indexed, .. compressed ? CompressedMended : PlainMended]), .. Frame(0, [1, 2, 3])];

        Assert.Equal(wanted, await ThroughAsync(sent, Math.Min(partedAt, sent.Length)));
    }

    public static TheoryData<bool, int> Places()
    {
        var places = new TheoryData<bool, int>();
        for (var at = 1; at < 72; at++)
        {
            places.Add(true, at);
            places.Add(false, at);
        }

        return places;
    }

    [Fact]
    public async Task Later_header_blocks_of_such_a_client_are_mended_too()
    {
        byte[] sent = [.. Preface, .. Frame(1, PlainUrl), .. Frame(0, [9, 9]), .. Frame(1, PlainUrl)];
        byte[] wanted = [.. Preface, .. Frame(1, PlainMended), .. Frame(0, [9, 9]), .. Frame(1, PlainMended)];

        Assert.Equal(wanted, await ThroughAsync(sent, 40));
    }

    [Fact]
    public async Task A_client_that_begins_rightly_is_never_changed()
    {
        byte[] sent = [.. Preface, .. Settings, .. Frame(1, [0x41, 4, .. "a:12"u8]), .. Frame(1, PlainUrl)];

        Assert.Equal(sent, await ThroughAsync(sent, 50));
    }

    private static byte[] Frame(byte type, byte[] payload) => [0, 0, (byte)payload.Length, type, 0, 0, 0, 0, 1, .. payload];

    private static async Task<byte[]> ThroughAsync(byte[] sent, int partedAt)
    {
        var pipe = new Pipe();
        var mender = new AuthorityMender(pipe.Reader);
        var received = new ArrayBufferWriter<byte>();
        var reading = Task.Run(async () =>
        {
            while (true)
            {
                var result = await mender.ReadAsync();
                foreach (var segment in result.Buffer)
                    received.Write(segment.Span);
                mender.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    return;
            }
        });
        await pipe.Writer.WriteAsync(sent.AsMemory(0, partedAt));
        await pipe.Writer.WriteAsync(sent.AsMemory(partedAt));
        await pipe.Writer.CompleteAsync();
        await reading;
        return received.WrittenSpan.ToArray();
    }
}
