using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>A connection that a peer dialled and on which it sends: checked frames go from here into the inbox.</summary>
/// <remarks>
/// It has a thread, which waits in the system for bytes and takes them to the loop itself: through the thread pool, each message would pass two more threads.
/// There are as many as there are peers. Cutting the socket off is what ends the waiting.
/// </remarks>
internal sealed class InboundConnection(TcpNetwork network, Peer peer, Socket socket, Stream stream) : IDisposable
{
    private readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(peer.Removed);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _malformed;

    /// <summary>Something on it was no message: what else it brought is not to be believed either.</summary>
    public bool IsMalformed => Volatile.Read(ref _malformed) != 0;

    /// <summary>Ends it; completes when it puts nothing more into the inbox.</summary>
    public async Task EndAsync()
    {
        try
        {
            await _ending.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself in the meantime.
        }

        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>The loop found that a frame, though it came as it was sent, makes no sense.</summary>
    public void Drop(WireFormatException fault)
    {
        if (Interlocked.Exchange(ref _malformed, 1) != 0)
            return;
        peer.OnMalformed(fault);
        network.TaskTracker.TryRun(EndAsync);
    }

    /// <summary>Reads until the peer closes, the network fails, or we end it.</summary>
    public void Run()
    {
        Thread.CurrentThread.Name = $"raft {network.Options.NodeId} from {peer.Id}";
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
        network.Report(TransportEventKind.Accepted, peer.Id, $"Node {peer.Id} has connected to this node.");
        peer.Outbound.RetryNow();
        try
        {
            ReadAll(_ending.Token);
            if (!_ending.IsCancellationRequested)
                peer.OnLost(established, closedByPeer: true, $"Node {peer.Id} closed its connection to this node: it may have stopped.");
        }
        catch (WireFormatException fault)
        {
            if (Interlocked.Exchange(ref _malformed, 1) == 0)
                peer.OnMalformed(fault);
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            if (!_ending.IsCancellationRequested)
                peer.OnLost(established, SocketErrors.IsClosedByPeer(fault), $"The connection of node {peer.Id} to this node broke: {fault.Message}");
        }
    }

    private void ReadAll(CancellationToken cancellation)
    {
        using var reader = new FrameReader(stream, network.Options.MaxFrameBytes);
        try
        {
            while (true)
            {
                // Not reading is how the sender is held back: its kernel's buffer fills, then its queue, and that drops whole messages.
                peer.ReceiveWindow.WaitForSpace(cancellation);
                if (reader.Read() is not { } frame)
                    return;
                peer.OnReceived(WireFrame.HeaderBytes + frame.BodyBytes);
                network.ReceiveQueue.Add(new ReceivedFrame(peer, this, frame.Kind, frame.Body, frame.BodyBytes, frame.Pooled));

                // Frames that came together go to the loop together.
                if (!reader.HasBufferedFrame || peer.ReceiveWindow.IsFull)
                    network.SignalLoop();
            }
        }
        finally
        {
            network.SignalLoop();
        }
    }
}
