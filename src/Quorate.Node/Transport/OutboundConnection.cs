using System.Net;
using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>
/// Maintains the connection on which this node sends to one peer: connects, performs the handshake, writes the send queue, and reconnects
/// after a failure.
/// </summary>
internal sealed class OutboundConnection(TransportContext context, Peer peer, PeerAddress firstAddress)
{
    private readonly Lock _gate = new();
    private PeerAddress _address = firstAddress;
    private volatile IPAddress[] _resolvedAddresses = LiteralOf(firstAddress);
    private CancellationTokenSource? _phase;
    private bool _waiting;
    private string? _lastReported;

    /// <summary>The address of the peer. When it changes, the connection to the old address is ended at once.</summary>
    public PeerAddress Address
    {
        get
        {
            lock (_gate)
                return _address;
        }

        set
        {
            lock (_gate)
            {
                if (_address == value)
                    return;
                _address = value;
                _resolvedAddresses = LiteralOf(value);
                Interrupt();
            }
        }
    }

    /// <summary>The known IP addresses of the peer: the configured one, or the last resolution of its name.</summary>
    public IReadOnlyList<IPAddress> ResolvedAddresses => _resolvedAddresses;

    /// <summary>Ends the back-off wait, because the peer has just connected to this node.</summary>
    public void RetryNow()
    {
        lock (_gate)
        {
            if (_waiting)
                Interrupt();
        }
    }

    /// <summary>Connects, sends and waits, until the peer is removed.</summary>
    public async Task RunAsync()
    {
        var failures = 0;
        while (!peer.Removed.IsCancellationRequested)
        {
            var started = context.Options.TimeProvider.GetTimestamp();
            using (var phase = BeginPhase(waiting: false))
            {
                await ConnectAndServeAsync(phase.Token).ConfigureAwait(false);
                EndPhase();
            }

            // The back-off starts over after a connection that was stable for a while. A connection that breaks at once counts as a
            // failure: otherwise two nodes that disagree about a message would reconnect as fast as they can.
            var wasStable = context.Options.TimeProvider.GetElapsedTime(started) >= context.Options.MaxReconnectBackoff;
            failures = wasStable ? 0 : failures + 1;
            using (var phase = BeginPhase(waiting: true))
            {
                await BackOffAsync(failures, phase.Token).ConfigureAwait(false);
                EndPhase();
            }
        }
    }

    private async Task ConnectAndServeAsync(CancellationToken cancellation)
    {
        var address = Address;
        try
        {
            using var socket = await ConnectAsync(address, cancellation).ConfigureAwait(false);

            // The one place where an outbound socket becomes a stream; a TLS stream would wrap it here, and then the driver cannot write to
            // the socket directly.
            var stream = new NetworkStream(socket, ownsSocket: false);
            socket.Blocking = false;
            await using (stream.ConfigureAwait(false))
            {
                if (await PerformHandshakeAsync(stream, address, cancellation).ConfigureAwait(false) is not { } handshake)
                    return;
                _lastReported = null;
                using var authenticator = handshake.Authenticator;
                peer.Version = handshake.Response.MemberVersion;
                await ServeAsync(stream, socket, authenticator, handshake.Response.Version, address, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            if (!cancellation.IsCancellationRequested)
            {
                ReportOnce(
                    TransportEventKind.Unreachable, HandshakeRejection.None,
                    $"Node {peer.Name} cannot be reached at {address}: {Explain(fault)}. "
                    + "It may not be running, or its address may be wrong; this node keeps trying.");
            }
        }
    }

    private async Task<Socket> ConnectAsync(PeerAddress address, CancellationToken cancellation)
    {
        using var timeout = new LinkedTimeout(context.Options.TimeProvider, context.Options.ConnectTimeout, cancellation);
        Exception? last = null;
        var ips = await address.ResolveAsync(timeout.Token).ConfigureAwait(false);
        SetResolved(address, ips);
        foreach (var ip in ips)
        {
            var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                SocketErrors.Configure(socket, context.Options.UnacknowledgedTimeout);
                await socket.ConnectAsync(new IPEndPoint(ip, address.Port), timeout.Token).ConfigureAwait(false);
                return socket;
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                socket.Dispose();
                cancellation.ThrowIfCancellationRequested();
                last = fault;
            }
        }

        throw new IOException(last is null ? $"the name {address.Host} has no address" : Explain(last), last);
    }

    private static IPAddress[] LiteralOf(PeerAddress address) => IPAddress.TryParse(address.Host, out var literal) ? [literal] : [];

    private void SetResolved(PeerAddress address, IPAddress[] ips)
    {
        lock (_gate)
        {
            if (_address == address)
                _resolvedAddresses = ips;
        }
    }

    /// <summary>Performs the handshake; returns null if the connection cannot be used, which has then been reported.</summary>
    private async Task<OutboundHandshake?> PerformHandshakeAsync(Stream stream, PeerAddress address, CancellationToken cancellation)
    {
        using var timeout = new LinkedTimeout(context.Options.TimeProvider, context.Options.ConnectTimeout, cancellation);
        var handshake = new OutboundHandshake(context, peer);
        var rejection = await handshake.RunAsync(stream, timeout.Token).ConfigureAwait(false);
        if (rejection == HandshakeRejection.None)
            return handshake;
        handshake.Authenticator?.Dispose();
        ReportOnce(
            TransportEventKind.RejectedByPeer, rejection,
            HandshakeErrors.ForDialer(rejection, handshake.Request, handshake.Response, address, context.Options.NameOf));
        return null;
    }

    private async Task ServeAsync(
        Stream stream, Socket? socket, FrameAuthenticator? authenticator, ushort protocol, PeerAddress address,
        CancellationToken cancellation)
    {
        var established = peer.OnEstablished(outbound: true);
        peer.SendQueue.Open(socket, authenticator, protocol);
        context.Events.Report(TransportEventKind.Connected, peer.Id, $"Connected to node {peer.Name} at {address}.");

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var writing = WriteAllAsync(stream, ending.Token);
        var closing = WaitForCloseAsync(stream, ending.Token);
        var first = await Task.WhenAny(writing, closing).ConfigureAwait(false);
        var fault = first.Exception?.InnerException;
        await ending.CancelAsync().ConfigureAwait(false);
        peer.SendQueue.Close();
        await JoinAsync(writing).ConfigureAwait(false);
        await JoinAsync(closing).ConfigureAwait(false);

        if (cancellation.IsCancellationRequested)
            return;
        if (fault is WireFormatException malformed)
            peer.OnMalformed(malformed);
        else
            peer.OnLost(
                established, SocketErrors.IsClosedByPeer(fault),
                $"The connection to node {peer.Name} at {address} broke: {fault?.Message}");
    }

    private async Task WriteAllAsync(Stream stream, CancellationToken cancellation)
    {
        using var wake = cancellation.UnsafeRegister(static queue => ((SendQueue)queue!).SignalWriter(), peer.SendQueue);
        while (!cancellation.IsCancellationRequested)
        {
            while (peer.SendQueue.TryBeginWrite(out var write))
            {
                await stream.WriteAsync(write.Bytes, cancellation).ConfigureAwait(false);
                peer.SendQueue.EndWrite(write, write.Bytes.Length);
            }

            await peer.SendQueue.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Waits until the peer closes the connection. The peer never sends on a connection on which it receives, so a read returns only then.
    /// </summary>
    private static async Task WaitForCloseAsync(Stream stream, CancellationToken cancellation)
    {
        var read = await stream.ReadAsync(new byte[1], cancellation).ConfigureAwait(false);
        throw read == 0
            ? new EndOfStreamException("the peer closed the connection; it may have stopped")
            : new WireFormatException("the peer sent bytes on a connection on which it must only receive");
    }

    private static async Task JoinAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            // The cause is that of the task that ended first; this one was cancelled as a consequence.
        }
    }

    private async Task BackOffAsync(int failures, CancellationToken cancellation)
    {
        if (failures == 0)
            return;
        var ceiling = Math.Min(
            context.Options.MaxReconnectBackoff.TotalMilliseconds,
            context.Options.InitialReconnectBackoff.TotalMilliseconds * Math.Pow(2, failures - 1));
        var wait = TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2)));
        try
        {
            await Task.Delay(wait, context.Options.TimeProvider, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The wait was interrupted: connect now.
        }
    }

    private CancellationTokenSource BeginPhase(bool waiting)
    {
        var phase = CancellationTokenSource.CreateLinkedTokenSource(peer.Removed);
        lock (_gate)
        {
            _phase = phase;
            _waiting = waiting;
        }

        return phase;
    }

    private void EndPhase()
    {
        lock (_gate)
        {
            _phase = null;
            _waiting = false;
        }
    }

    /// <summary>Cancels the current phase. The caller may be the driver, so the cancellation runs on the thread pool.</summary>
    private void Interrupt()
    {
        if (_phase is { } phase)
            context.TaskTracker.TryRun(() => CancelAsync(phase));
        _phase = null;
    }

    private static async Task CancelAsync(CancellationTokenSource phase)
    {
        try
        {
            await phase.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // The phase has ended by itself in the meantime.
        }
    }

    private void ReportOnce(TransportEventKind kind, HandshakeRejection rejection, string text)
    {
        if (_lastReported == text)
            return;
        _lastReported = text;
        context.Events.Report(kind, peer.Id, text, rejection);
    }

    private static string Explain(Exception fault) => fault switch
    {
        OperationCanceledException => "no reply in time",
        EndOfStreamException => "it closed the connection during the handshake",
        _ => fault.Message.TrimEnd('.'),
    };
}
