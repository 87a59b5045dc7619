using System.Net;
using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>Keeps the connection on which we send to one peer: dials, shakes hands, writes what is queued, and begins again when it breaks.</summary>
internal sealed class Dialer(TcpNetwork network, Peer peer, PeerAddress firstAddress)
{
    private readonly Lock _gate = new();
    private PeerAddress _address = firstAddress;
    private CancellationTokenSource? _phase;
    private bool _waiting;
    private string? _told;

    /// <summary>Where the peer listens. When that changes, the connection to the old place is given up at once.</summary>
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
                Interrupt();
            }
        }
    }

    /// <summary>The peer has just been heard of: do not wait out the back-off.</summary>
    public void Hurry()
    {
        lock (_gate)
        {
            if (_waiting)
                Interrupt();
        }
    }

    /// <summary>Dials, serves and waits, until the peer is removed.</summary>
    public async Task RunAsync()
    {
        var failures = 0;
        while (!peer.Removed.IsCancellationRequested)
        {
            var begun = network.Options.TimeProvider.GetTimestamp();
            using (var phase = Begin(waiting: false))
            {
                await DialAndServeAsync(phase.Token).ConfigureAwait(false);
                End();
            }

            // A connection that stood for a while was a good one. One that breaks at once is as bad as none: else two nodes that
            // disagree about a message would dial as fast as they can.
            var stood = network.Options.TimeProvider.GetElapsedTime(begun) >= network.Options.BackoffMax;
            failures = stood ? 0 : failures + 1;
            using (var phase = Begin(waiting: true))
            {
                await WaitAsync(failures, phase.Token).ConfigureAwait(false);
                End();
            }
        }
    }

    private async Task DialAndServeAsync(CancellationToken cancellation)
    {
        var address = Address;
        try
        {
            using var socket = await ConnectAsync(address, cancellation).ConfigureAwait(false);

            // The one place where our side of a connection becomes a stream; TLS goes around it here, and then the loop cannot write directly.
            var stream = new NetworkStream(socket, ownsSocket: false);
            socket.Blocking = false;
            await using (stream.ConfigureAwait(false))
            {
                if (!await ShakeHandsAsync(stream, address, cancellation).ConfigureAwait(false))
                    return;
                _told = null;
                await ServeAsync(stream, socket, address, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception fault) when (SocketFaults.IsExpected(fault))
        {
            if (!cancellation.IsCancellationRequested)
            {
                TellOnce(
                    TransportEventKind.Unreachable, HandshakeRefusal.None,
                    $"Node {peer.Id} cannot be reached at {address}: {Explain(fault)}. It may not be running, or its address may be wrong; this node keeps trying.");
            }
        }
    }

    private async Task<Socket> ConnectAsync(PeerAddress address, CancellationToken cancellation)
    {
        using var deadline = new Deadline(network.Options.TimeProvider, network.Options.DialTimeout, cancellation);
        Exception? last = null;
        foreach (var ip in await address.ResolveAsync(deadline.Token).ConfigureAwait(false))
        {
            var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                SocketFaults.Configure(socket, network.Options.UnacknowledgedTimeout);
                await socket.ConnectAsync(new IPEndPoint(ip, address.Port), deadline.Token).ConfigureAwait(false);
                return socket;
            }
            catch (Exception fault) when (SocketFaults.IsExpected(fault))
            {
                socket.Dispose();
                cancellation.ThrowIfCancellationRequested();
                last = fault;
            }
        }

        throw new IOException(last is null ? $"the name {address.Host} has no address" : Explain(last), last);
    }

    private async Task<bool> ShakeHandsAsync(Stream stream, PeerAddress address, CancellationToken cancellation)
    {
        using var deadline = new Deadline(network.Options.TimeProvider, network.Options.HandshakeTimeout, cancellation);
        var hello = new Hello(
            Handshake.VersionMin, Handshake.VersionMax, network.Options.ClusterId, network.Options.Self, peer.Id, Features: 0, network.Incarnation);
        await stream.WriteAsync(Handshake.Write(hello), deadline.Token).ConfigureAwait(false);
        var answer = await Handshake.ReadAnswerAsync(stream, deadline.Token).ConfigureAwait(false);

        // The listener judges, but a welcome is believed only if it is the right one's.
        var refusal = answer.Refusal != HandshakeRefusal.None ? answer.Refusal
            : answer.ClusterId != hello.ClusterId ? HandshakeRefusal.WrongCluster
            : answer.From != hello.To ? HandshakeRefusal.WrongReceiver
            : answer.Version is < Handshake.VersionMin or > Handshake.VersionMax ? HandshakeRefusal.WrongVersion
            : !network.Meets(peer.Id, answer.Incarnation) ? HandshakeRefusal.AnotherFolder
            : HandshakeRefusal.None;
        if (refusal == HandshakeRefusal.None)
            return true;
        TellOnce(TransportEventKind.RefusedByPeer, refusal, RefusalText.ForDialer(refusal, hello, answer, address));
        return false;
    }

    private async Task ServeAsync(Stream stream, Socket? direct, PeerAddress address, CancellationToken cancellation)
    {
        var established = peer.OnEstablished(dialled: true);
        peer.Queue.Open(direct);
        network.Raise(TransportEventKind.Connected, peer.Id, $"Connected to node {peer.Id} at {address}.");

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var writing = WriteAllAsync(stream, ending.Token);
        var watching = WatchAsync(stream, ending.Token);
        var first = await Task.WhenAny(writing, watching).ConfigureAwait(false);
        var fault = first.Exception?.InnerException;
        await ending.CancelAsync().ConfigureAwait(false);
        peer.Queue.Close();
        await JoinAsync(writing).ConfigureAwait(false);
        await JoinAsync(watching).ConfigureAwait(false);

        if (cancellation.IsCancellationRequested)
            return;
        if (fault is WireFormatException malformed)
            peer.OnMalformed(malformed);
        else
            peer.OnLost(established, SocketFaults.IsClosedByPeer(fault), $"The connection to node {peer.Id} at {address} broke: {fault?.Message}");
    }

    private async Task WriteAllAsync(Stream stream, CancellationToken cancellation)
    {
        using var wake = cancellation.UnsafeRegister(static queue => ((SendQueue)queue!).Wake(), peer.Queue);
        while (!cancellation.IsCancellationRequested)
        {
            while (peer.Queue.TryBegin(out var write))
            {
                await stream.WriteAsync(write.Bytes, cancellation).ConfigureAwait(false);
                peer.Queue.End(write, write.Bytes.Length);
            }

            await peer.Queue.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A peer says nothing on the connection it receives on: this ends when the peer closes, and that is what it is for.</summary>
    private static async Task WatchAsync(Stream stream, CancellationToken cancellation)
    {
        var read = await stream.ReadAsync(new byte[1], cancellation).ConfigureAwait(false);
        throw read == 0
            ? new EndOfStreamException("the peer closed it; it may have stopped")
            : new WireFormatException("it sent something on the connection on which it receives");
    }

    private static async Task JoinAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception fault) when (SocketFaults.IsExpected(fault))
        {
            // Why it ended was taken from whichever of the two ended first; the other only followed.
        }
    }

    private async Task WaitAsync(int failures, CancellationToken cancellation)
    {
        if (failures == 0)
            return;
        var ceiling = Math.Min(network.Options.BackoffMax.TotalMilliseconds, network.Options.BackoffMin.TotalMilliseconds * Math.Pow(2, failures - 1));
        var wait = TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2)));
        try
        {
            await Task.Delay(wait, network.Options.TimeProvider, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // There is news: dial now.
        }
    }

    private CancellationTokenSource Begin(bool waiting)
    {
        var phase = CancellationTokenSource.CreateLinkedTokenSource(peer.Removed);
        lock (_gate)
        {
            _phase = phase;
            _waiting = waiting;
        }

        return phase;
    }

    private void End()
    {
        lock (_gate)
        {
            _phase = null;
            _waiting = false;
        }
    }

    /// <summary>Cuts the present phase short. The caller may be the loop, so what follows from it happens in the thread pool.</summary>
    private void Interrupt()
    {
        if (_phase is { } phase)
            network.Background.TryRun(() => CancelAsync(phase));
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
            // The phase ended by itself in the meantime.
        }
    }

    private void TellOnce(TransportEventKind kind, HandshakeRefusal refusal, string text)
    {
        if (_told == text)
            return;
        _told = text;
        network.Raise(kind, peer.Id, text, refusal);
    }

    private static string Explain(Exception fault) => fault switch
    {
        OperationCanceledException => "no answer in time",
        EndOfStreamException => "it closed the connection during the handshake",
        _ => fault.Message.TrimEnd('.'),
    };
}
