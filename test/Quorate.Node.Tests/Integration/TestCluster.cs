using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Quorate.Node.Storage;
using Quorate.Node.Transport;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>Several nodes in this process, on real sockets and real files, each with a list of numbers as its state machine.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private const ulong ClusterId = 77;
    private const int SegmentBytes = 4 << 20;
    private const int CommandBytesMax = 64 << 10;

    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-test-").FullName;
    private readonly Dictionary<NodeId, PeerAddress> _members;
    private readonly RunningNode?[] _nodes;

    private TestCluster(int size)
    {
        _members = FreePorts(size).Select((port, i) => (Id: new NodeId((ulong)i + 1), Address: new PeerAddress("127.0.0.1", port)))
            .ToDictionary(m => m.Id, m => m.Address);
        _nodes = new RunningNode?[size];
    }

    public int Size => _nodes.Length;

    /// <summary>Whether the state machines take snapshots.</summary>
    public bool TakesSnapshots { get; init; }

    /// <summary>The addresses of all members.</summary>
    public IReadOnlyDictionary<NodeId, PeerAddress> Members => _members;

    public IEnumerable<RunningNode> Running => _nodes.OfType<RunningNode>();

    public RunningNode this[int number] => _nodes[number - 1] ?? throw new InvalidOperationException($"node {number} is not running");

    public static async Task<TestCluster> StartAsync(int size, Func<RaftNodeOptions, RaftNodeOptions>? configure = null)
    {
        var cluster = new TestCluster(size);
        try
        {
            for (var number = 1; number <= size; number++)
                await cluster.StartAsync(number, default, configure);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public static TestCluster Stopped(int size, bool takesSnapshots = false) => new(size) { TakesSnapshots = takesSnapshots };

    public async Task StartAsync(int number, ulong clusterId, Func<RaftNodeOptions, RaftNodeOptions>? configure = null)
    {
        var stateMachine = new NumberListStateMachine { TakesSnapshots = TakesSnapshots };
        var options = new RaftNodeOptions
        {
            NodeId = new NodeId((ulong)number),
            ClusterId = clusterId == 0 ? ClusterId : clusterId,
            DataDirectory = Path.Combine(_directory, $"n{number}"),
            Members = _members,
            SegmentBytes = SegmentBytes,
            MaxCommandBytes = CommandBytesMax,
            HeartbeatInterval = TimeSpan.FromMilliseconds(50),
            ElectionTimeout = TimeSpan.FromMilliseconds(500),
        };
        var node = await RaftNode.StartAsync(configure?.Invoke(options) ?? options, stateMachine);
        _nodes[number - 1] = new RunningNode(number, node, stateMachine);
    }

    /// <summary>Writes the data directory of a member that has not started yet.</summary>
    public void WriteLog(int number, HardState state, ReadOnlySpan<LogEntry> entries)
    {
        using var storage = new FileStorage(Path.Combine(_directory, $"n{number}"));
        var identity = IdentityFile.Open(storage, ClusterId, new NodeId((ulong)number), new Configuration(_members.Keys));
        var options = new WalOptions { SegmentBytes = SegmentBytes, PayloadBytesMax = CommandBytesMax, PreallocateInBackground = false };
        using var log = WriteAheadLog.Open(storage, options, identity).Log;
        var batch = new WalBatch(options);
        batch.SetHardState(state);
        batch.Append(entries);
        log.AppendAndFlush(batch);
    }

    public string DataDirectory(int number) => Path.Combine(_directory, $"n{number}");

    /// <summary>Stops a member as if its process had been killed: without a transfer of leadership.</summary>
    public async Task AbortAsync(int number)
    {
        await this[number].Node.AbortAsync();
        _nodes[number - 1] = null;
    }

    public async Task StopAsync(int number)
    {
        await this[number].Node.DisposeAsync();
        _nodes[number - 1] = null;
    }

    /// <summary>Waits until all running nodes agree on a leader, and returns it.</summary>
    public async Task<RunningNode> LeaderAsync()
    {
        RunningNode? leader = null;
        await WaitUntilAsync(() =>
        {
            var seen = Running.Select(n => n.Node.Status.Leader).Distinct().ToArray();
            leader = seen is [var id] ? Running.FirstOrDefault(n => n.Node.Status.IsLeader && n.Node.Status.NodeId == id) : null;
            return leader is not null;
        });
        return leader!;
    }

    /// <summary>Returns ports that no process listens on.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
            listener.Start();
        var ports = listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
            listener.Stop();
        return ports;
    }

    /// <summary>Waits until a condition holds; fails after a long timeout.</summary>
    public static async Task WaitUntilAsync(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 30_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "the condition did not become true before the timeout");
            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var running in Running)
            await running.Node.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>A node of a <see cref="TestCluster"/> with its state machine.</summary>
internal sealed record RunningNode(int Number, RaftNode<int> Node, NumberListStateMachine StateMachine)
{
    public ValueTask<ProposalResult<int>> ProposeAsync(long number) => Node.ProposeAsync(NumberListStateMachine.Add(number));
}

/// <summary>A state machine that keeps the proposed numbers in log order. Its result is how many there are.</summary>
internal sealed class NumberListStateMachine : IStateMachine<int>
{
    private readonly Lock _lock = new();
    private readonly List<long> _numbers = [];

    public long[] Numbers
    {
        get
        {
            lock (_lock)
                return [.. _numbers];
        }
    }

    /// <summary>Whether it takes snapshots.</summary>
    public bool TakesSnapshots { get; init; }

    public IStateMachineSnapshot? CaptureSnapshot()
    {
        lock (_lock)
            return TakesSnapshots ? new Snapshot([.. _numbers]) : null;
    }

    public void RestoreSnapshot(EntryId last, Stream source)
    {
        var numbers = new List<long>();
        var bytes = new byte[sizeof(long)];
        while (source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length)
            numbers.Add(BinaryPrimitives.ReadInt64LittleEndian(bytes));
        lock (_lock)
        {
            _numbers.Clear();
            _numbers.AddRange(numbers);
        }
    }

    /// <summary>The command that appends a number; what follows its eight bytes has no meaning.</summary>
    public static byte[] Add(long number, int commandBytes = 8)
    {
        var bytes = new byte[commandBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }

    public int Apply(in CommittedCommand command)
    {
        lock (_lock)
        {
            _numbers.Add(BinaryPrimitives.ReadInt64LittleEndian(command.Command.Span));
            return _numbers.Count;
        }
    }

    private sealed class Snapshot(long[] numbers) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination)
        {
            var bytes = new byte[sizeof(long)];
            foreach (var number in numbers)
            {
                BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
                destination.Write(bytes);
            }
        }

        public void Dispose()
        {
        }
    }
}
