using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Running;

/// <summary>A turn takes only so many messages, so that clock and clients get their share of a flood; the rest is not left lying until something else happens.</summary>
public sealed class FloodsAreTaken
{
    [Fact]
    public async Task More_messages_than_one_turn_takes_are_taken_without_a_tick_of_the_clock()
    {
        var folder = Directory.CreateTempSubdirectory("quorate-flood-");
        var network = new Flood();
        var options = new RaftNodeOptions
        {
            Self = new NodeId(1),
            ClusterId = 1,
            DataFolder = folder.FullName,
            Members = new Dictionary<NodeId, PeerAddress> { [new(1)] = new("nowhere", 1), [new(2)] = new("nowhere", 2) },
            TimeProvider = new StandingClock(),
            HeartbeatInterval = TimeSpan.FromHours(1),
            ElectionTimeout = TimeSpan.FromHours(5),
        };
        var node = RaftNode<int>.Start(options, new NoMachine(), (_, _, wake) =>
        {
            network.Wake = wake;
            return network;
        });

        network.Come(5000);

        await network.IsEmpty.WaitAsync(TimeSpan.FromSeconds(60));
        await node.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private sealed class Flood : INodeNetwork
    {
        private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _waiting;

        public Action Wake { get; set; } = static () => { };

        public Task IsEmpty => _empty.Task;

        public TransportCounters Counters => new([], 0, 0);

        public void Come(int messages)
        {
            Volatile.Write(ref _waiting, messages);
            Wake();
        }

        public bool TryReceive(out NetworkEvent received)
        {
            received = new NetworkEvent(NetworkEventKind.Disconnected, new NodeId(2), null);
            if (Volatile.Read(ref _waiting) == 0)
                return false;
            if (Interlocked.Decrement(ref _waiting) == 0)
                _empty.SetResult();
            return true;
        }

        public void Send(Message message)
        {
        }

        public void Flush()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class NoMachine : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command) => 0;
    }

    private sealed class StandingClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
