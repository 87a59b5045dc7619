using System.Net;
using System.Net.Sockets;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// Forwards TCP connections, and stops after a number of bytes from the target: it cuts the connection, or delivers no more.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopped = new();
    private readonly IPEndPoint _target;
    private readonly long _bytesMax;
    private readonly bool _cuts;
    private readonly Task _accepting;
    private long _forwarded;

    /// <param name="target">The address to forward to.</param>
    /// <param name="bytesMax">The number of bytes from the target to deliver.</param>
    /// <param name="cuts">Whether the connection is closed then; if not, it stays open.</param>
    public CuttingProxy(string target, long bytesMax, bool cuts)
    {
        (_target, _bytesMax, _cuts) = (IPEndPoint.Parse(target), bytesMax, cuts);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string EndPoint => _listener.LocalEndpoint.ToString()!;

    /// <summary>Waits until all the bytes that it delivers are delivered.</summary>
    public Task WaitUntilEndedAsync() =>
        Eventually.IsTrueAsync(() => Volatile.Read(ref _forwarded) >= _bytesMax, "the proxy has delivered what it delivers");

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
            await Task.WhenAll(connections);
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(_target, _stopped.Token);
                await Task.WhenAny(
                    client.GetStream().CopyToAsync(server.GetStream(), _stopped.Token),
                    DeliverAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // One side has closed the connection, or the test has ended.
            }
        }
    }

    private async Task DeliverAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var read = await from.ReadAsync(buffer, _stopped.Token);
            if (read == 0)
                return;
            await to.WriteAsync(buffer.AsMemory(0, read), _stopped.Token);
            if (Interlocked.Add(ref _forwarded, read) < _bytesMax)
                continue;
            if (!_cuts)
                await Task.Delay(Timeout.Infinite, _stopped.Token);
            return;
        }
    }
}
