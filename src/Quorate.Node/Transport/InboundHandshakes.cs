using System.Net;
using System.Net.Sockets;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>
/// Accepts connections, and receives the request of each on one thread for all: a connection that sends nothing costs a socket and no
/// thread. A connection whose request is that of a peer gets a thread of its own (<see cref="InboundHandshake"/>).
/// </summary>
/// <remarks>
/// The thread waits with poll and never blocks in a read. No asynchronous operation may be used on these sockets: the runtime would poll
/// them from then on, and every later read would pass through its threads.
/// </remarks>
internal sealed class InboundHandshakes(TransportContext context, PeerSet peers, IReadOnlyList<PeerListener> listeners)
{
    /// <summary>The wait after a failed accept. Most likely the process has no file descriptor left.</summary>
    private static readonly TimeSpan AcceptBackoff = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait, on systems that do not wake a poll when its socket is shut down.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    /// <summary>Connections accepted in a row before the others are looked at again.</summary>
    private const int AcceptedAtOnce = 64;

    private readonly HandshakeSlots _slots = new(context.Options.MaxHandshakes);
    private readonly InboundHandshake _handshake = new(context, peers);
    private readonly List<Socket> _readable = [];
    private long? _acceptFailed;
    private int _pending;

    /// <summary>The number of connections whose request has not arrived.</summary>
    public int PendingCount => Volatile.Read(ref _pending);

    /// <summary>Accepts connections until the transport stops.</summary>
    public void Run()
    {
        Thread.CurrentThread.Name = $"raft {context.Options.NodeId} accept";
        var shutdowns = listeners.Select(listener => SocketErrors.ShutdownOn(listener.Socket, context.Ending)).ToList();
        try
        {
            while (!context.Ending.IsCancellationRequested)
            {
                Wait();
                ReadRequests();
                foreach (var listener in listeners)
                {
                    if (_readable.Contains(listener.Socket))
                        AcceptAll(listener);
                }

                CloseExpired();
                Volatile.Write(ref _pending, _slots.Pending.Count);
            }
        }
        finally
        {
            shutdowns.ForEach(static shutdown => shutdown.Dispose());
            foreach (var connection in _slots.Pending)
                connection.Socket.Dispose();
        }
    }

    /// <summary>Waits for connections, bytes or the next deadline; <see cref="_readable"/> then has the sockets.</summary>
    private void Wait()
    {
        var time = context.Options.TimeProvider;
        var wait = LongestWait;
        if (_slots.Pending is [var oldest, ..])
            wait = Min(wait, context.Options.HandshakeTimeout - time.GetElapsedTime(oldest.Accepted));
        if (_acceptFailed is { } failed && (AcceptBackoff - time.GetElapsedTime(failed)) is var rest)
        {
            wait = Min(wait, rest);
            if (rest <= TimeSpan.Zero)
                _acceptFailed = null;
        }

        _readable.Clear();
        if (_acceptFailed is null)
            _readable.AddRange(listeners.Select(static listener => listener.Socket));
        _readable.AddRange(_slots.Pending.Select(static connection => connection.Socket));
        if (wait < TimeSpan.FromMilliseconds(1))
            wait = TimeSpan.FromMilliseconds(1);
        if (_readable.Count == 0)
            context.Ending.WaitHandle.WaitOne(wait);
        else
            Socket.Select(_readable, null, null, wait);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private void ReadRequests()
    {
        if (_slots.Pending.Count == 0 || _readable.Count == 0)
            return;
        var readable = _readable.ToHashSet();
        foreach (var connection in _slots.Pending.Where(connection => readable.Contains(connection.Socket)).ToList())
        {
            if (TryFinish(connection, isReadable: true))
                _slots.Remove(connection);
        }
    }

    private void AcceptAll(PeerListener listener)
    {
        for (var i = 0; i < AcceptedAtOnce && !context.Ending.IsCancellationRequested; i++)
        {
            try
            {
                if (i > 0 && !listener.Socket.Poll(0, SelectMode.SelectRead))
                    return;
                Add(listener.Socket.Accept());
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                if (!context.Ending.IsCancellationRequested)
                    OnAcceptFailed(listener, fault);
                return;
            }
        }
    }

    /// <summary>Stops accepting for a moment. Connected peers stay connected; a tight loop would take processor time from them.</summary>
    private void OnAcceptFailed(PeerListener listener, Exception fault)
    {
        _acceptFailed = context.Options.TimeProvider.GetTimestamp();
        context.Events.Report(
            TransportEventKind.AcceptFailed, NodeId.None,
            $"Cannot accept connections on {listener.EndPoint} at the moment: {fault.Message}. "
            + "If the limit of open files is reached, raise it.");
    }

    private void Add(Socket socket)
    {
        if (RemoteOf(socket) is not { } remote)
        {
            socket.Dispose();
            return;
        }

        var connection = new PendingHandshake(
            socket, remote, peers.HasAddress(remote.Address), context.Options.TimeProvider.GetTimestamp());
        if (TryFinish(connection, isReadable: false) || !_slots.Add(connection, out var excess))
            return;

        // Its request may have arrived by now; then it needs no slot.
        _slots.Remove(excess);
        if (!TryFinish(excess, isReadable: false))
        {
            context.Events.ReportRejection(HandshakeRejection.TooManyHandshakes, default, excess.Remote.ToString());
            excess.Socket.Dispose();
        }
    }

    private static IPEndPoint? RemoteOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
                ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)
                : (IPEndPoint?)socket.RemoteEndPoint;
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            return null; // The dialer has disconnected already.
        }
    }

    /// <summary>
    /// Reads what has arrived. Returns true if the connection needs no slot any more: its request is complete, or it was closed.
    /// </summary>
    private bool TryFinish(PendingHandshake connection, bool isReadable)
    {
        try
        {
            while (connection.TryRead(isReadable) is { } message)
            {
                if (_handshake.OnReceived(connection, message))
                    return true;
                isReadable = false;
            }

            return false;
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            if (fault is WireFormatException)
                context.Events.ReportRejection(HandshakeRejection.NotAPeer, default, connection.Remote.ToString());
            connection.Socket.Dispose();
            return true;
        }
    }

    private void CloseExpired()
    {
        while (_slots.Pending is [var oldest, ..]
            && context.Options.TimeProvider.GetElapsedTime(oldest.Accepted) >= context.Options.HandshakeTimeout)
        {
            context.Events.ReportRejection(HandshakeRejection.TimedOut, default, oldest.Remote.ToString());
            oldest.Socket.Dispose();
            _slots.Remove(oldest);
        }
    }
}
