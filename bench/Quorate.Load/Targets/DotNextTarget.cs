using System.Net;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Quorate.Load.Targets;

/// <summary>Three members of DotNext.Net.Cluster: its TCP transport, its write-ahead log, a state machine that does nothing.</summary>
/// <remarks>
/// Durability: 6.12.0 flushes at every commit and has no option for more. A follower acknowledges entries before it has
/// flushed them: a new tail is flushed in the background, and a commit waits only for the flush up to the commit index before it.
/// So an acknowledged write is in the memory of a quorum and on its way to their disks; Quorate's lies on the disks of a quorum.
/// The comparison favours DotNext by that much.
/// Settings: the fastest of nine tried, chunks of 4, 64, 1024 KiB in shared memory, private memory, and private memory past the page
/// cache (which opens its files with O_DIRECT and O_DSYNC, so it is no less durable): two to four times its defaults at 64 writers.
/// </remarks>
internal sealed class DotNextTarget : ILoadTarget
{
    private const int Members = 3;

    // Nothing is compacted while we measure: neither library is asked for snapshots.
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
        // Its default election timeout, 150 to 300 ms, fires falsely when six busy threads share two cores; these are etcd's times.
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
