using System.Buffers;
using System.IO.Pipelines;

namespace Quorate.Server.Hosting;

/// <summary>Detects HTTP/2 by the first bytes of a connection.</summary>
internal static class Http2PrefaceDetector
{
    private static ReadOnlySpan<byte> Expected => "PRI * HTTP/2.0\r\n"u8;

    /// <summary>
    /// Examines the first bytes without consuming them. Returns null if the connection ended before they identified the protocol.
    /// </summary>
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

    /// <summary>
    /// Returns false at the first byte that differs from the preface, true after the last, and null if more bytes are needed.
    /// </summary>
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
