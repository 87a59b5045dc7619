using System.Net;
using System.Net.Sockets;
using Quorate.Load.Http2;

namespace Quorate.Load.Tests;

/// <summary>A server that accepts one connection, sends its SETTINGS, and answers the requests with prepared bytes.</summary>
internal sealed class ScriptedServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public ScriptedServer() => _listener.Start();

    public Uri Endpoint => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Accepts, waits for <paramref name="requests"/> requests, and then sends <paramref name="writes"/> one by one.</summary>
    public async Task RunAsync(byte[] settings, int requests, params byte[][] writes)
    {
        using var client = await _listener.AcceptTcpClientAsync();
        client.NoDelay = true;
        var stream = client.GetStream();
        await stream.WriteAsync(Frame(FrameType.Settings, FrameFlags.None, 0, settings));
        await stream.ReadExactlyAsync(new byte["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length]);
        while (requests > 0)
        {
            var header = await ReadFrameAsync(stream);
            requests -= header.Type is FrameType.Data && header.Flags.HasFlag(FrameFlags.EndStreamOrAck) ? 1 : 0;
        }

        foreach (var write in writes)
        {
            await stream.WriteAsync(write);
        }

        // Until the client closes.
        try
        {
            while (true)
            {
                await ReadFrameAsync(stream);
            }
        }
        catch (IOException)
        {
        }
    }

    public static byte[] Frame(FrameType type, FrameFlags flags, int streamId, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameHeader.Bytes + payload.Length];
        new FrameHeader(payload.Length, type, flags, streamId).Write(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.Bytes));
        return frame;
    }

    public void Dispose() => _listener.Dispose();

    private static async Task<FrameHeader> ReadFrameAsync(NetworkStream stream)
    {
        var bytes = new byte[FrameHeader.Bytes];
        await stream.ReadExactlyAsync(bytes);
        var header = FrameHeader.Read(bytes);
        await stream.ReadExactlyAsync(new byte[header.Length]);
        return header;
    }
}
