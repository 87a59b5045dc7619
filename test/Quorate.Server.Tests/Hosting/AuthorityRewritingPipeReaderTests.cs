using System.Buffers;
using System.IO.Pipelines;
using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>etcd's Go client up to 3.4 sends a URL as :authority, and Kestrel would reset the stream.</summary>
public sealed class AuthorityRewritingPipeReaderTests
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
    private static readonly byte[] Settings = Frame(type: 4, []);

    // RFC 7541, Appendix B: "http://a" takes 46 bits, which two ones fill up to bytes; a is 00011.
    private static readonly byte[] CompressedUrl = [0x41, 0x86, 0x9d, 0x29, 0xae, 0xe3, 0x0c, 0x0f];
    private static readonly byte[] CompressedRewritten = [0x41, 0x86, 0x9d, 0x29, 0xaf, 0xca, 0xeb, 0x8f];
    private static readonly byte[] PlainUrl = [0x41, 8, .. "http://a"u8];
    private static readonly byte[] PlainRewritten = [0x41, 8, .. "httpx..a"u8];
    private static readonly byte[] Indexed = [0x82, 0x87];

    [Theory]
    [MemberData(nameof(Splits))]
    public async Task A_URL_authority_is_rewritten_wherever_the_bytes_are_split(bool compressed, int splitAt)
    {
        byte[] sent =
            [.. Preface, .. Settings, .. Frame(1, [.. Indexed, .. compressed ? CompressedUrl : PlainUrl]), .. Frame(0, [1, 2, 3])];
        byte[] expected = [.. Preface, .. Settings, .. Frame(1, [.. Indexed, .. compressed ? CompressedRewritten : PlainRewritten]),
            .. Frame(0, [1, 2, 3])];

        Assert.Equal(expected, await RewriteAsync(sent, Math.Min(splitAt, sent.Length)));
    }

    public static TheoryData<bool, int> Splits()
    {
        var splits = new TheoryData<bool, int>();
        for (var at = 1; at < 72; at++)
        {
            splits.Add(true, at);
            splits.Add(false, at);
        }

        return splits;
    }

    [Fact]
    public async Task The_authority_of_later_header_blocks_is_rewritten()
    {
        byte[] sent = [.. Preface, .. Frame(1, PlainUrl), .. Frame(0, [9, 9]), .. Frame(1, PlainUrl)];
        byte[] expected = [.. Preface, .. Frame(1, PlainRewritten), .. Frame(0, [9, 9]), .. Frame(1, PlainRewritten)];

        Assert.Equal(expected, await RewriteAsync(sent, 40));
    }

    [Fact]
    public async Task A_client_with_a_valid_authority_is_never_changed()
    {
        byte[] sent = [.. Preface, .. Settings, .. Frame(1, [0x41, 4, .. "a:12"u8]), .. Frame(1, PlainUrl)];

        Assert.Equal(sent, await RewriteAsync(sent, 50));
    }

    private static byte[] Frame(byte type, byte[] payload) => [0, 0, (byte)payload.Length, type, 0, 0, 0, 0, 1, .. payload];

    private static async Task<byte[]> RewriteAsync(byte[] sent, int splitAt)
    {
        var pipe = new Pipe();
        var rewriter = new AuthorityRewritingPipeReader(pipe.Reader);
        var received = new ArrayBufferWriter<byte>();
        var reading = Task.Run(async () =>
        {
            while (true)
            {
                var result = await rewriter.ReadAsync();
                foreach (var segment in result.Buffer)
                    received.Write(segment.Span);
                rewriter.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    return;
            }
        });
        await pipe.Writer.WriteAsync(sent.AsMemory(0, splitAt));
        await pipe.Writer.WriteAsync(sent.AsMemory(splitAt));
        await pipe.Writer.CompleteAsync();
        await reading;
        return received.WrittenSpan.ToArray();
    }
}
