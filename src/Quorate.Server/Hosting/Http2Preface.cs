using System.Buffers;
using System.IO.Pipelines;

namespace Quorate.Server.Hosting;

/// <summary>Tells an HTTP/2 client by its first bytes.</summary>
internal static class Http2Preface
{
    private static ReadOnlySpan<byte> Expected => "PRI * HTTP/2.0\r\n"u8;

    /// <summary>Looks at the next bytes and leaves them unread. Null: the connection ended before they could be told apart.</summary>
    public static async ValueTask<bool?> DetectAsync(PipeReader input, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellation).ConfigureAwait(false);
            var isHttp2 = Match(read.Buffer);
            if (isHttp2 is not null || read.IsCompleted)
            {
                input.AdvanceTo(read.Buffer.Start);
                return isHttp2;
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>True or false as soon as it is sure: the first byte that differs decides.</summary>
    private static bool? Match(ReadOnlySequence<byte> received)
    {
        var reader = new SequenceReader<byte>(received);
        foreach (var expected in Expected)
        {
            if (!reader.TryRead(out var actual))
                return null;
            if (actual != expected)
                return false;
        }

        return true;
    }
}
