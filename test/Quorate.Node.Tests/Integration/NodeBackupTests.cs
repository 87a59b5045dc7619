using System.Buffers.Binary;
using Quorate.Node.Backups;
using Quorate.Node.Tests.Backups;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>A running node captures backups, and nodes of a new cluster start from them.</summary>
public sealed class NodeBackupTests
{
    [Fact]
    public async Task A_new_cluster_of_any_size_continues_from_a_backup()
    {
        byte[] backup;
        await using (var node = await StartAsync(1, new SumStateMachine(), Members(1), "old"))
        {
            for (var i = 1; i <= 10; i++)
                await node.Node.ProposeAsync(Number(i));
            await node.Node.ReadBarrierAsync();
            using var captured = await node.Node.CaptureBackupAsync();
            Assert.Equal(node.Node.Status.AppliedIndex, captured.Last.Index);
            await node.Node.ProposeAsync(Number(1000));
            backup = BackupGiven.Write(captured);
        }

        using var file = new TemporaryFile(backup);
        var members = Members(3);
        var nodes = new List<StartedNode>();
        try
        {
            foreach (var id in members.Keys)
            {
                var directory = file.DirectoryPath + id;
                BackupFile.Restore(file.Path, Options(id.Value, members, directory));
                nodes.Add(await StartAsync(id.Value, new SumStateMachine(), members, directory));
            }

            var outcome = await nodes[1].Node.ProposeAsync(Number(5)).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(60, outcome.Result);
            foreach (var node in nodes)
            {
                await node.Node.ReadBarrierAsync();
                Assert.Equal(60, node.StateMachine.Sum);
            }
        }
        finally
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
    }

    /// <summary>Each request gets a view of its own, also when the node takes a snapshot of its own at the same time.</summary>
    [Fact]
    public async Task Backups_that_are_captured_at_the_same_time_are_all_complete()
    {
        await using var node = await StartAsync(1, new SumStateMachine(), Members(1), "many", snapshotLogEntries: 1);
        await node.Node.ProposeAsync(Number(3));
        await node.Node.ReadBarrierAsync();

        var captured = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            await node.Node.ProposeAsync(Number(0));
            return await node.Node.CaptureBackupAsync();
        })).WaitAsync(TimeSpan.FromSeconds(60));

        foreach (var backup in captured)
        {
            using var file = new TemporaryFile(BackupGiven.Write(backup));
            Assert.Equal(3, BinaryPrimitives.ReadInt64LittleEndian(
                BackupFile.ReadContent(file.Path, static (_, content) => BackupGiven.Read(content))));
            backup.Dispose();
        }
    }

    [Fact]
    public async Task A_state_machine_without_snapshots_has_no_backup()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        await cluster.LeaderAsync();

        await Assert.ThrowsAsync<NotSupportedException>(() => cluster[1].Node.CaptureBackupAsync());
    }

    [Fact]
    public async Task A_stopped_node_captures_nothing_and_a_cancelled_capture_releases_its_view()
    {
        var stateMachine = new SumStateMachine();
        var node = await StartAsync(1, stateMachine, Members(1), "stopped");
        await node.Node.ProposeAsync(Number(1));
        stateMachine.IsHeld = true;
        using var stop = new CancellationTokenSource();
        var capture = node.Node.CaptureBackupAsync(stop.Token);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => capture);
        stateMachine.IsHeld = false;
        await TestCluster.WaitUntilAsync(() => stateMachine.CapturedViews == 1 && stateMachine.OpenViews == 0);

        await node.DisposeAsync();
        await Assert.ThrowsAsync<NodeStoppedException>(() => node.Node.CaptureBackupAsync());
    }

    private static Dictionary<NodeId, PeerAddress> Members(int count) =>
        TestCluster.FreePorts(count).Select(static (port, i) => (Id: new NodeId((ulong)i + 1), Address: new PeerAddress("127.0.0.1", port)))
            .ToDictionary(static m => m.Id, static m => m.Address);

    private static byte[] Number(long number)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }

    private static RaftNodeOptions Options(ulong id, Dictionary<NodeId, PeerAddress> members, string directory) => new()
    {
        NodeId = new NodeId(id),
        ClusterId = (ulong)members.Count,
        DataDirectory = directory,
        Members = members,
        SegmentBytes = 4 << 20,
        MaxCommandBytes = 64 << 10,
        HeartbeatInterval = TimeSpan.FromMilliseconds(50),
        ElectionTimeout = TimeSpan.FromMilliseconds(500),
    };

    private static async Task<StartedNode> StartAsync(
        ulong id, SumStateMachine stateMachine, Dictionary<NodeId, PeerAddress> members, string directory, long? snapshotLogEntries = null)
    {
        var temporary = Path.IsPathRooted(directory) ? null : Directory.CreateTempSubdirectory("quorate-backup-").FullName;
        var options = Options(id, members, temporary is null ? directory : Path.Combine(temporary, directory));
        if (snapshotLogEntries is { } entries)
            options = options with { SnapshotLogEntries = (int)entries };
        return new StartedNode(await RaftNode.StartAsync(options, stateMachine), stateMachine, temporary);
    }

    private sealed record StartedNode(RaftNode<long> Node, SumStateMachine StateMachine, string? Temporary) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            if (Temporary is not null && Directory.Exists(Temporary))
                Directory.Delete(Temporary, recursive: true);
        }
    }

    /// <summary>Adds the proposed numbers; its snapshot is the sum.</summary>
    private sealed class SumStateMachine : IStateMachine<long>
    {
        private long _sum;
        private int _openViews;
        private int _capturedViews;

        public long Sum => Volatile.Read(ref _sum);

        public int OpenViews => Volatile.Read(ref _openViews);

        public int CapturedViews => Volatile.Read(ref _capturedViews);

        /// <summary>Whether a capture waits.</summary>
        public bool IsHeld
        {
            get => Volatile.Read(ref field);
            set => Volatile.Write(ref field, value);
        }

        public long Apply(in CommittedCommand command) =>
            Interlocked.Add(ref _sum, BinaryPrimitives.ReadInt64LittleEndian(command.Command.Span));

        public IStateMachineSnapshot CaptureSnapshot()
        {
            SpinWait.SpinUntil(() => !IsHeld);
            Interlocked.Increment(ref _openViews);
            Interlocked.Increment(ref _capturedViews);
            return new View(this, Sum);
        }

        public void RestoreSnapshot(EntryId last, Stream source)
        {
            var bytes = new byte[8];
            source.ReadExactly(bytes);
            Volatile.Write(ref _sum, BinaryPrimitives.ReadInt64LittleEndian(bytes));
        }

        private sealed class View(SumStateMachine owner, long sum) : IStateMachineSnapshot
        {
            public void WriteTo(Stream destination) => destination.Write(Number(sum));

            public void Dispose()
            {
                // The node's contract: exactly once.
                Assert.True(Interlocked.Decrement(ref owner._openViews) >= 0);
            }
        }
    }
}
