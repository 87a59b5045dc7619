using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>The thread that reads a connection takes the loop's turns: whatever becomes of its connection meanwhile, nobody waits for ever.</summary>
public sealed class TurnsOfReaders
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly ManualResetEventSlim _inTurn = new();
    private readonly ManualResetEventSlim _mayEnd = new();

    [Fact]
    public async Task The_end_waits_for_a_reader_that_is_in_a_turn_and_for_nothing_more()
    {
        var one = NodeThatKnowsTwo(LongTurn);
        using var raw = await RawPeer.WelcomeAsync(one);
        await raw.SayAsync(one, 1);
        Assert.True(_inTurn.Wait(Patience));

        var disposed = one.DisposeAsync().AsTask();
        await raw.UntilClosedAsync();
        Assert.False(disposed.IsCompleted);
        _mayEnd.Set();

        await disposed.WaitAsync(Patience);
    }

    /// <summary>Dropping a connection waits until its reader has put in its last, and here the reader is whoever drops it.</summary>
    [Fact]
    public async Task A_reader_finds_in_its_own_turn_that_its_connection_is_to_be_dropped()
    {
        TestNode? node = null;
        var one = NodeThatKnowsTwo(() =>
        {
            lock (_inTurn)
            {
                while (Volatile.Read(ref node)?.Network.TryReceive(out _) ?? false)
                {
                }
            }
        });
        Volatile.Write(ref node, one);
        using var raw = await RawPeer.WelcomeAsync(one);
        await raw.SayAsync(Wire.Encode(new ReadIndexRequest { From = new NodeId(3), To = one.Id, ReadId = 1 }));

        await raw.UntilClosedAsync();
        await TestNode.UntilAsync(() => one.With(new NodeId(2)) is { Malformed: 1, Accepted: false });
        using var next = await RawPeer.WelcomeAsync(one);
        await next.SayAsync(one, 2);
        await TestNode.UntilAsync(() => one.With(new NodeId(2)).ReceivedMessages == 1);
        await one.DisposeAsync().AsTask().WaitAsync(Patience);
    }

    private static TestNode NodeThatKnowsTwo(Action turn)
    {
        var node = new TestNode(1, turn: turn);
        node.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new(2)] = new("127.0.0.1", 1) });
        return node;
    }

    private void LongTurn()
    {
        _inTurn.Set();
        _mayEnd.Wait();
    }
}
