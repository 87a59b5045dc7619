using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>One end of a network on loopback, and what it was told.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const ulong Cluster = 0xC1;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _woken = new(0);

    public TestNode(ulong id, Func<TcpNetworkOptions, TcpNetworkOptions>? with = null, int port = 0, Action? turn = null)
    {
        Id = new NodeId(id);
        var options = new TcpNetworkOptions
        {
            Self = Id, ClusterId = Cluster, Listen = [new PeerAddress("127.0.0.1", port)], OnEvent = Events.Enqueue, BackoffMax = TimeSpan.FromMilliseconds(100),
        };
        Network = TcpNetwork.Start(with?.Invoke(options) ?? options, () =>
        {
            _woken.Release();
            turn?.Invoke();
        });
    }

    public NodeId Id { get; }

    public TcpNetwork Network { get; }

    public ConcurrentQueue<TransportEvent> Events { get; } = new();

    public PeerAddress Address => new("127.0.0.1", EndPoint.Port);

    public IPEndPoint EndPoint => Network.ListenEndPoints[0];

    /// <summary>Two nodes, connected both ways.</summary>
    public static async Task<(TestNode One, TestNode Two)> PairAsync(
        Func<TcpNetworkOptions, TcpNetworkOptions>? one = null, Func<TcpNetworkOptions, TcpNetworkOptions>? two = null)
    {
        var (a, b) = (new TestNode(1, one), new TestNode(2, two));
        a.Knows(b);
        b.Knows(a);
        await a.UntilConnectedAsync(b);
        await b.UntilConnectedAsync(a);
        return (a, b);
    }

    public void Knows(params TestNode[] others) => Network.SetPeers(others.ToDictionary(other => other.Id, other => other.Address));

    public PeerCounters With(NodeId peer) => Network.Counters.Peers.Single(counters => counters.Peer == peer);

    public Task UntilConnectedAsync(TestNode other) => UntilAsync(() => With(other.Id) is { Connected: true, Accepted: true });

    public async Task<TransportEvent> UntilToldAsync(TransportEventKind kind)
    {
        await UntilAsync(() => Events.Any(told => told.Kind == kind));
        return Events.First(told => told.Kind == kind);
    }

    public void Send(TestNode to, ulong readId) => Send(new ReadIndexRequest { From = Id, To = to.Id, Term = new Term(1), ReadId = readId });

    public void Send(Message message)
    {
        Network.Send(message);
        Network.Flush();
    }

    /// <summary>The next that arrives; woken for it, not by looking again and again.</summary>
    public async Task<NetworkEvent> ReceiveAsync()
    {
        NetworkEvent received;
        while (!Network.TryReceive(out received))
            Assert.True(await _woken.WaitAsync(Patience), "nothing arrived in ten seconds");
        return received;
    }

    public async Task<ulong> ReceiveReadIdAsync() => Assert.IsType<ReadIndexRequest>((await ReceiveAsync()).Message).ReadId;

    public static async Task UntilAsync(Func<bool> condition)
    {
        var begun = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(begun.Elapsed < Patience, "what was waited for did not come about in ten seconds");
            await Task.Delay(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Network.DisposeAsync();
        _woken.Dispose();
    }
}
