using BenchmarkDotNet.Attributes;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Benchmarks.Transport;

/// <summary>Two nodes on loopback: the round-trip time of one message, and the throughput of many in one direction.</summary>
[MemoryDiagnoser]
public class TcpTransportBenchmarks
{
    private const int Batch = 64;
    private readonly SemaphoreSlim _readyOne = new(0);
    private readonly SemaphoreSlim _readyTwo = new(0);
    private readonly ReadIndexRequest _ping = new() { From = new NodeId(1), To = new NodeId(2) };
    private readonly ReadIndexReply _pong = new() { From = new NodeId(2), To = new NodeId(1) };
    private AppendEntries _entries = null!;
    private TcpTransport _one = null!;
    private TcpTransport _two = null!;
    private Thread _echo = null!;
    private volatile bool _isStopping;

    [GlobalSetup]
    public void Setup()
    {
        _one = TcpTransport.Start(Options(1), () => _readyOne.Release());
        _two = TcpTransport.Start(Options(2), () => _readyTwo.Release());
        _one.SetPeers(new Dictionary<NodeId, PeerAddress> { [new NodeId(2)] = new("127.0.0.1", _two.ListenEndPoints[0].Port) });
        _two.SetPeers(new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", _one.ListenEndPoints[0].Port) });
        SpinWait.SpinUntil(() => _one.Counters.Peers[0] is { Connected: true, Accepted: true }
            && _two.Counters.Peers[0] is { Connected: true, Accepted: true });
        _echo = new Thread(Echo);
        _echo.Start();

        var payload = new byte[16 << 10];
        _entries = new AppendEntries
        {
            From = new NodeId(1), To = new NodeId(2), Term = new Term(1),
            Entries = new[] { new LogEntry(new EntryId(new Term(1), new LogIndex(1)), EntryKind.Command, default, payload) },
        };
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _isStopping = true;
        _readyTwo.Release();
        _echo.Join();
        _one.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _two.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Sends one small message and receives the reply.</summary>
    [Benchmark]
    public void RoundTrip()
    {
        _one.Send(_ping);
        _one.Flush();
        AwaitPong();
    }

    /// <summary>Sends 64 AppendEntries of 16 KiB each with one flush, and receives one reply after the last.</summary>
    [Benchmark]
    public void SendOneMebibyte()
    {
        for (var i = 0; i < Batch; i++)
            _one.Send(_entries);
        _one.Send(_ping);
        _one.Flush();
        AwaitPong();
    }

    private static TcpTransportOptions Options(ulong id) =>
        new() { NodeId = new NodeId(id), ClusterId = 1, ListenEndPoints = [new PeerAddress("127.0.0.1", 0)] };

    private void AwaitPong()
    {
        while (!_one.TryReceive(out _))
            _readyOne.Wait();
    }

    private void Echo()
    {
        while (!_isStopping)
        {
            while (_two.TryReceive(out var received))
            {
                if (received.Message is not ReadIndexRequest)
                    continue;
                _two.Send(_pong);
                _two.Flush();
            }

            _readyTwo.Wait();
        }
    }
}
