using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Load.Targets;

/// <summary>Three Quorate members with default options and a state machine that does nothing.</summary>
/// <remarks>Durability: an acknowledged write is flushed on the disks of a quorum.</remarks>
internal sealed class QuorateTarget : ILoadTarget
{
    private const int Members = 3;

    private readonly List<RaftNode<bool>> _members = [];
    private RaftNode<bool>? _leader;

    public async Task StartAsync(string directory, CancellationToken cancellationToken)
    {
        var addresses = LoopbackPorts.Reserve(Members)
            .Select((endPoint, i) => (Id: new NodeId((ulong)i + 1), Address: new PeerAddress("127.0.0.1", endPoint.Port)))
            .ToDictionary(member => member.Id, member => member.Address);
        foreach (var id in addresses.Keys)
        {
            var options = new RaftNodeOptions
            {
                NodeId = id,
                ClusterId = 1,
                DataDirectory = Path.Combine(directory, $"quorate-{id}"),
                Members = addresses,
            };
            _members.Add(await RaftNode.StartAsync(options, new NullStateMachine(), cancellationToken));
        }

        while (_leader is null)
        {
            var status = await _members[0].WaitForLeaderAsync(cancellationToken);
            _leader = _members.Find(member => member.Status is { IsLeader: true } leader && leader.NodeId == status.Leader);
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken)
    {
        var result = await _leader!.ProposeAsync(command, cancellationToken);
        if (!result.IsCommitted)
        {
            throw new WriteRejectedException(result.Reason?.ToString() ?? "Indeterminate");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }
    }

    private sealed class NullStateMachine : IStateMachine<bool>
    {
        public bool Apply(in CommittedCommand command) => true;
    }
}
