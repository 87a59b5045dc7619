using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>One end of a network on loopback, and the events it reported.</summary>
internal sealed class TestTcpEndpoint : IAsyncDisposable
{
    public const ulong Cluster = 0xC1;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _ready = new(0);

    public TestTcpEndpoint(ulong id, Func<TcpTransportOptions, TcpTransportOptions>? with = null, int port = 0, Action? onReady = null)
    {
        Id = new NodeId(id);
        var options = new TcpTransportOptions
        {
            NodeId = Id, ClusterId = Cluster, ListenEndPoints = [new PeerAddress("127.0.0.1", port)], OnEvent = Events.Enqueue,
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(100),
        };
        Network = TcpTransport.Start(with?.Invoke(options) ?? options, () =>
        {
            _ready.Release();
            onReady?.Invoke();
        });
    }

    public NodeId Id { get; }

    public TcpTransport Network { get; }

    public ConcurrentQueue<TransportEvent> Events { get; } = new();

    public PeerAddress Address => new("127.0.0.1", EndPoint.Port);

    public IPEndPoint EndPoint => Network.ListenEndPoints[0];

    /// <summary>Starts two nodes and waits until they are connected in both directions.</summary>
    public static async Task<(TestTcpEndpoint One, TestTcpEndpoint Two)> PairAsync(
        Func<TcpTransportOptions, TcpTransportOptions>? one = null, Func<TcpTransportOptions, TcpTransportOptions>? two = null)
    {
        var (a, b) = (new TestTcpEndpoint(1, one), new TestTcpEndpoint(2, two));
        a.SetPeers(b);
        b.SetPeers(a);
        await a.WaitUntilConnectedAsync(b);
        await b.WaitUntilConnectedAsync(a);
        return (a, b);
    }

    public void SetPeers(params TestTcpEndpoint[] others) =>
        Network.SetPeers(others.ToDictionary(other => other.Id, other => other.Address));

    public PeerCounters CountersOf(NodeId peer) => Network.Counters.Peers.Single(counters => counters.Peer == peer);

    public Task WaitUntilConnectedAsync(TestTcpEndpoint other) =>
        WaitUntilAsync(() => CountersOf(other.Id) is { Connected: true, Accepted: true });

    public Task<TransportEvent> WaitForEventAsync(TransportEventKind kind) => WaitForEventAsync(raised => raised.Kind == kind);

    /// <summary>
    /// Waits for a rejection with a given reason. Until both endpoints have their peers, one may be rejected as unknown to the other.
    /// </summary>
    public Task<TransportEvent> WaitForRejectionAsync(TransportEventKind kind, HandshakeRejection reason) =>
        WaitForEventAsync(raised => raised.Kind == kind && raised.Rejection == reason);

    private async Task<TransportEvent> WaitForEventAsync(Func<TransportEvent, bool> matches)
    {
        await WaitUntilAsync(() => Events.Any(matches));
        return Events.First(matches);
    }

    public void Send(TestTcpEndpoint to, ulong readId) =>
        Send(new ReadIndexRequest { From = Id, To = to.Id, Term = new Term(1), ReadId = readId });

    public void Send(Message message)
    {
        Network.Send(message);
        Network.Flush();
    }

    /// <summary>Returns the next message; waits for the signal instead of polling.</summary>
    public async Task<ReceivedEvent> ReceiveAsync()
    {
        ReceivedEvent received;
        while (!Network.TryReceive(out received))
            Assert.True(await _ready.WaitAsync(Timeout), "nothing arrived in ten seconds");
        return received;
    }

    public async Task<ulong> ReceiveReadIdAsync() => Assert.IsType<ReadIndexRequest>((await ReceiveAsync()).Message).ReadId;

    public static async Task WaitUntilAsync(Func<bool> condition)
    {
        var elapsed = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(elapsed.Elapsed < Timeout, "the condition did not become true within ten seconds");
            await Task.Delay(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Network.DisposeAsync();
        _ready.Dispose();
    }
}
