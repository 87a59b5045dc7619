namespace Quorate.Node.Transport;

/// <summary>A connection that a peer dialled and on which it sends: checked frames go from here into the inbox.</summary>
internal sealed class IncomingConnection(TcpNetwork network, Peer peer, Stream stream) : IDisposable
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
        network.Background.TryRun(EndAsync);
    }

    /// <summary>Reads until the peer closes, the network fails, or we end it.</summary>
    public async Task RunAsync()
    {
        try
        {
            if (peer.Replace(this) is { } before)
                await before.EndAsync().ConfigureAwait(false);
            if (!_ending.IsCancellationRequested)
                await ServeAsync().ConfigureAwait(false);
        }
        finally
        {
            peer.Release(this);
            _ended.SetResult();
        }
    }

    public void Dispose() => _ending.Dispose();

    private async Task ServeAsync()
    {
        var established = peer.OnEstablished(dialled: false);
        network.Raise(TransportEventKind.Accepted, peer.Id, $"Node {peer.Id} has connected to this node.");
        peer.Dialer.Hurry();
        try
        {
            await ReadAllAsync(_ending.Token).ConfigureAwait(false);
            peer.OnLost(established, closedByPeer: true, $"Node {peer.Id} closed its connection to this node: it may have stopped.");
        }
        catch (WireFormatException fault)
        {
            if (Interlocked.Exchange(ref _malformed, 1) == 0)
                peer.OnMalformed(fault);
        }
        catch (Exception fault) when (SocketFaults.IsExpected(fault))
        {
            if (!_ending.IsCancellationRequested)
                peer.OnLost(established, SocketFaults.IsClosedByPeer(fault), $"The connection of node {peer.Id} to this node broke: {fault.Message}");
        }
    }

    private async Task ReadAllAsync(CancellationToken cancellation)
    {
        using var reader = new FrameReader(stream, network.Options.FrameBytesMax);
        while (true)
        {
            // Not reading is how the sender is held back: its kernel's buffer fills, then its queue, and that drops whole messages.
            await peer.Allowance.WaitForRoomAsync(cancellation).ConfigureAwait(false);
            if (await reader.ReadAsync(cancellation).ConfigureAwait(false) is not { } frame)
                return;
            peer.OnReceived(WireFrame.HeaderBytes + frame.BodyBytes);
            network.Inbox.Add(new Arrival(peer, this, frame.Kind, frame.Body, frame.BodyBytes, frame.Pooled));
        }
    }
}
