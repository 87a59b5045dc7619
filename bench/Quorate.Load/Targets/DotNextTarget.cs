using System.Net;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Quorate.Load.Targets;

/// <summary>Three members of DotNext.Net.Cluster: its TCP transport, its write-ahead log, a state machine that does nothing.</summary>
/// <remarks>
/// Durability: 6.12.0 flushes at every commit and has no stronger option. A follower acknowledges entries before it has flushed them: a new
/// tail is flushed in the background, and a commit waits only for the flush up to the previous commit index. So an acknowledged write is in
/// the memory of a quorum, with the flush pending; an acknowledged write of Quorate is flushed on a quorum. The comparison favours DotNext
/// by that difference. Settings: the fastest of nine combinations (chunks of 4, 64 and 1024 KiB; shared memory, private memory, and private
/// memory that bypasses the page cache with O_DIRECT and O_DSYNC, which is equally durable): two to four times the defaults at 64 writers.
/// </remarks>
internal sealed class DotNextTarget : ILoadTarget
{
    private const int Members = 3;

    // Neither library takes snapshots or compacts its log during the measurement.
    private const long SnapshotNever = long.MaxValue;

    private readonly List<RaftCluster> _members = [];
    private readonly List<WriteAheadLog> _logs = [];
    private RaftCluster? _leader;

    public async Task StartAsync(string directory, CancellationToken cancellationToken)
    {
        var endPoints = LoopbackPorts.Reserve(Members);
        for (var i = 0; i < Members; i++)
        {
            var log = new WriteAheadLog(
                new WriteAheadLog.Options
                {
                    Location = Path.Combine(directory, $"dotnext-{i}"),
                    ChunkSize = 64 * 1024,
                    MemoryManagement = WriteAheadLog.MemoryManagementStrategy.PrivateMemory,
                    NoBuffering = true,
                },
                IStateMachine.CreateNoOp(SnapshotNever));
            _logs.Add(log);
            await log.InitializeAsync(cancellationToken);
            _members.Add(new RaftCluster(Configure(endPoints[i], endPoints)) { AuditTrail = log });
        }

        await Task.WhenAll(_members.Select(member => member.StartAsync(cancellationToken)));
        var elected = await Task.WhenAny(_members.Select(async member =>
        {
            await member.WaitForLeadershipAsync(cancellationToken);
            return member;
        }));
        _leader = await elected;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken)
    {
        try
        {
            await _leader!.ReplicateAsync(command, token: cancellationToken);
        }
        catch (Exception failure) when (failure is InvalidOperationException or IOException)
        {
            throw new WriteRejectedException(failure.GetType().Name);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.StopAsync(CancellationToken.None);
            await member.DisposeAsync();
        }

        foreach (var log in _logs)
        {
            await log.DisposeAsync();
        }
    }

    private static RaftCluster.TcpConfiguration Configure(IPEndPoint self, IPEndPoint[] all)
    {
        // The default election timeout of 150 to 300 ms causes false elections when six busy threads share two cores; these are etcd's
        // values.
        return new RaftCluster.TcpConfiguration(self)
        {
            ConfigurationStorage = new DotNextMembers(all),
            LowerElectionTimeout = 1000,
            UpperElectionTimeout = 2000,
            RequestTimeout = TimeSpan.FromSeconds(1),
            ColdStart = false,
        };
    }
}
