using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>A connection that a peer opened and sends on: puts verified frames into the receive queue.</summary>
/// <remarks>
/// Each connection has its own thread, which blocks in the read call and runs the loop itself: through the thread pool, each message would
/// pass through two more threads. There are as many such threads as peers. Shutting down the socket ends the blocking read.
/// </remarks>
internal sealed class InboundConnection(
    TransportContext context, Peer peer, Socket socket, Stream stream, FrameAuthenticator? authenticator) : IDisposable
{
    private readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(peer.Removed);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _malformed;

    /// <summary>Whether the peer sent an invalid message; the remaining frames of the connection are then ignored.</summary>
    public bool IsMalformed => Volatile.Read(ref _malformed) != 0;

    /// <summary>Ends the connection; completes when it adds nothing more to the receive queue.</summary>
    public async Task EndAsync()
    {
        try
        {
            await _ending.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended by itself in the meantime.
        }

        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Drops the connection because the driver found that a frame with valid checksums is not a valid message.</summary>
    public void Drop(WireFormatException fault)
    {
        if (Interlocked.Exchange(ref _malformed, 1) != 0)
            return;
        peer.OnMalformed(fault);
        context.TaskTracker.TryRun(EndAsync);
    }

    /// <summary>Reads until the peer closes the connection, the network fails, or this node ends it.</summary>
    public void Run()
    {
        Thread.CurrentThread.Name = $"raft {context.Options.NodeId} from {peer.Id}";
        using var shutdown = SocketErrors.ShutdownOn(socket, _ending.Token);
        try
        {
            peer.Replace(this)?.EndAsync().GetAwaiter().GetResult();
            if (!_ending.IsCancellationRequested)
                Serve();
        }
        finally
        {
            peer.Release(this);
            _ended.SetResult();
        }
    }

    public void Dispose() => _ending.Dispose();

    private void Serve()
    {
        var established = peer.OnEstablished(outbound: false);
        context.Events.Report(TransportEventKind.Accepted, peer.Id, $"Node {peer.Name} has connected to this node.");
        peer.Outbound.RetryNow();
        try
        {
            ReadAll(_ending.Token);
            if (!_ending.IsCancellationRequested)
                peer.OnLost(established, closedByPeer: true, $"Node {peer.Name} closed its connection to this node: it may have stopped.");
        }
        catch (WireFormatException fault)
        {
            if (Interlocked.Exchange(ref _malformed, 1) == 0)
                peer.OnMalformed(fault);
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            if (!_ending.IsCancellationRequested)
            {
                peer.OnLost(
                    established, SocketErrors.IsClosedByPeer(fault),
                    $"The connection of node {peer.Name} to this node broke: {fault.Message}");
            }
        }
    }

    private void ReadAll(CancellationToken cancellation)
    {
        using var reader = new WireFrameReader(stream, context.Options.MaxFrameBytes, authenticator);
        var skippedGroup = false;
        try
        {
            while (true)
            {
                // Backpressure: while this node does not read, the receive buffer of its kernel fills, then the sender's queue, which drops
                // whole messages.
                peer.ReceiveWindow.WaitForSpace(cancellation);
                if (reader.Read() is not { } frame)
                    return;
                var isLast = !reader.HasBufferedFrame;
                if (isLast)
                    peer.OnContact();
                if (frame.Group == context.Options.Group)
                {
                    peer.OnReceived(WireFrame.HeaderBytes + frame.BodyBytes);
                    context.ReceiveQueue.Add(new ReceivedFrame(peer, this, frame.Kind, frame.Body, frame.BodyBytes, frame.Pooled));
                }
                else
                {
                    peer.OnUnknownGroup(frame.Group, isFirst: !skippedGroup);
                    skippedGroup = true;
                    frame.ReturnBody();
                }

                // Signal once for frames that arrived together; the last of them may be one that was skipped.
                if (isLast || peer.ReceiveWindow.IsFull)
                    context.SignalLoop();
            }
        }
        finally
        {
            context.SignalLoop();
        }
    }
}
