using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>
/// The thread that reads a connection runs iterations of the driver: whatever happens to its connection meanwhile, no thread waits forever.
/// </summary>
public sealed class InboundConnectionTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private readonly ManualResetEventSlim _inIteration = new();
    private readonly ManualResetEventSlim _mayEnd = new();

    [Fact]
    public async Task Dispose_waits_for_a_reader_that_runs_an_iteration()
    {
        var one = NodeWithPeerTwo(LongIteration);
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await raw.SendAsync(one, 1);
        Assert.True(_inIteration.Wait(Timeout));

        var disposed = one.DisposeAsync().AsTask();
        await raw.WaitUntilClosedAsync();
        Assert.False(disposed.IsCompleted);
        _mayEnd.Set();

        await disposed.WaitAsync(Timeout);
    }

    /// <summary>Dropping a connection waits until its reader has enqueued its last frame, and here the reader itself drops it.</summary>
    [Fact]
    public async Task A_reader_can_drop_its_own_connection_during_an_iteration()
    {
        TestTcpEndpoint? node = null;
        var one = NodeWithPeerTwo(() =>
        {
            lock (_inIteration)
            {
                while (Volatile.Read(ref node)?.Network.TryReceive(out _) ?? false)
                {
                }
            }
        });
        Volatile.Write(ref node, one);
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await raw.SendAsync(TestMessages.Encode(new ReadIndexRequest { From = new NodeId(3), To = one.Id, ReadId = 1 }));

        await raw.WaitUntilClosedAsync();
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(new NodeId(2)) is { Malformed: 1, Accepted: false });
        using var next = await RawPeer.ConnectAndHandshakeAsync(one);
        await next.SendAsync(one, 2);
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(new NodeId(2)).ReceivedMessages == 1);
        await one.DisposeAsync().AsTask().WaitAsync(Timeout);
    }

    private static TestTcpEndpoint NodeWithPeerTwo(Action onReady)
    {
        var node = new TestTcpEndpoint(1, onReady: onReady);
        node.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new(2)] = new("127.0.0.1", 1) });
        return node;
    }

    private void LongIteration()
    {
        _inIteration.Set();
        _mayEnd.Wait();
    }
}
