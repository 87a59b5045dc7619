using System.Net;
using System.Net.Sockets;

namespace Quorate.Load.Proxy;

/// <summary>Forwards TCP connections to an address, and delivers at most so many bytes per second to it over all of them.</summary>
/// <remarks>
/// What comes back from the address is not limited. The proxy reads only what it may deliver: what a sender writes beyond that stays in its
/// own buffers, as on a slow link, and the receive buffer of the proxy is small.
/// </remarks>
internal sealed class PacedProxy : IAsyncDisposable
{
    private const int PartBytes = 8 << 10;
    private const int ReceiveBufferBytes = 64 << 10;

    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stopped = new();
    private readonly IPEndPoint _target;
    private readonly Pace _pace;
    private readonly Task _accepting;
    private long _delivered;

    public PacedProxy(IPEndPoint listen, IPEndPoint target, double bytesPerSecond)
    {
        (_target, _pace) = (target, new Pace(bytesPerSecond, TimeProvider.System));
        _listener = new TcpListener(listen);
        _listener.Server.ReceiveBufferSize = ReceiveBufferBytes;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The address to connect to instead of the target's.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>The bytes delivered to the target.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

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
            {
                connections.RemoveAll(connection => connection.IsCompleted);
                connections.Add(ForwardAsync(await _listener.AcceptTcpClientAsync(_stopped.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException || _stopped.IsCancellationRequested)
        {
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
                await to.ConnectAsync(_target, _stopped.Token);
                await Task.WhenAny(
                    DeliverAsync(from.GetStream(), to.GetStream()),
                    to.GetStream().CopyToAsync(from.GetStream(), _stopped.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
            {
                // The connection ends at both sides.
            }
        }
    }

    private async Task DeliverAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[PartBytes];
        while (await from.ReadAsync(buffer, _stopped.Token) is > 0 and var length)
        {
            if (_pace.Take(length) is { Ticks: > 0 } wait)
                await Task.Delay(wait, _stopped.Token);
            await to.WriteAsync(buffer.AsMemory(0, length), _stopped.Token);
            Interlocked.Add(ref _delivered, length);
        }
    }
}
