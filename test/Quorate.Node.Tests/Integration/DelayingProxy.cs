using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Quorate.Node.Transport;

namespace Quorate.Node.Tests.Integration;

/// <summary>
/// Forwards TCP connections to an address, and delivers everything a fixed time later, in both directions, without limiting how much is in
/// flight.
/// </summary>
internal sealed class DelayingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopped = new();
    private readonly PeerAddress _target;
    private readonly TimeSpan _delay;
    private readonly Task _accepting;

    public DelayingProxy(PeerAddress target, TimeSpan delay)
    {
        (_target, _delay) = (target, delay);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The address to connect to instead of the target's.</summary>
    public PeerAddress Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopped.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(ForwardAsync(await _listener.AcceptTcpClientAsync(_stopped.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException || _stopped.IsCancellationRequested)
        {
            // A stopped listener has other exceptions too, if it is stopped between two accepts.
            await Task.WhenAll(connections);
        }
    }

    private async Task ForwardAsync(TcpClient from)
    {
        using var to = new TcpClient { NoDelay = true };
        using (from)
        {
            from.NoDelay = true;
            try
            {
                await to.ConnectAsync(_target.Host, _target.Port, _stopped.Token);
                var ends = new[] { DelayAsync(from, to), DelayAsync(to, from) };
                await await Task.WhenAny(ends);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // The connection ends at both sides.
            }
        }
    }

    private async Task DelayAsync(TcpClient from, TcpClient to)
    {
        var inFlight = Channel.CreateUnbounded<(long Sent, byte[] Bytes)>();
        var reading = ReadAsync(from.GetStream(), inFlight.Writer);
        await foreach (var (sent, bytes) in inFlight.Reader.ReadAllAsync(_stopped.Token))
        {
            var left = _delay - Stopwatch.GetElapsedTime(sent);
            if (left > TimeSpan.Zero)
                await Task.Delay(left, _stopped.Token);
            await to.GetStream().WriteAsync(bytes, _stopped.Token);
        }

        await reading;
    }

    private async Task ReadAsync(NetworkStream from, ChannelWriter<(long Sent, byte[] Bytes)> inFlight)
    {
        try
        {
            var buffer = new byte[1 << 16];
            while (await from.ReadAsync(buffer, _stopped.Token) is > 0 and var length)
                await inFlight.WriteAsync((Stopwatch.GetTimestamp(), buffer[..length]), _stopped.Token);
        }
        finally
        {
            inFlight.Complete();
        }
    }
}
