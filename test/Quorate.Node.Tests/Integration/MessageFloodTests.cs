using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>
/// An iteration receives a limited number of messages, so that clock and clients get their share during a flood; the rest is received
/// without waiting for another event.
/// </summary>
public sealed class MessageFloodTests
{
    [Fact]
    public async Task Messages_beyond_one_iteration_are_received_without_a_tick()
    {
        var directory = Directory.CreateTempSubdirectory("quorate-flood-");
        var transport = new FloodingTransport();
        var options = new RaftNodeOptions
        {
            NodeId = new NodeId(1),
            ClusterId = 1,
            DataDirectory = directory.FullName,
            Members = new Dictionary<NodeId, PeerAddress> { [new(1)] = new("nowhere", 1), [new(2)] = new("nowhere", 2) },
            TimeProvider = new FrozenClock(),
            HeartbeatInterval = TimeSpan.FromHours(1),
            ElectionTimeout = TimeSpan.FromHours(5),
            TransportFactory = context =>
            {
                transport.OnReady = context.OnReady;
                return transport;
            },
        };
        var node = RaftNode<int>.Start(options, new NullStateMachine());

        transport.Enqueue(5000);

        await transport.IsEmpty.WaitAsync(TimeSpan.FromSeconds(60));
        await node.DisposeAsync();
        directory.Delete(recursive: true);
    }

    private sealed class FloodingTransport : ITransport
    {
        private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _waiting;

        public Action OnReady { get; set; } = static () => { };

        public Task IsEmpty => _empty.Task;

        public void Enqueue(int messages)
        {
            Volatile.Write(ref _waiting, messages);
            OnReady();
        }

        public bool TryReceive(out ReceivedEvent received)
        {
            received = ReceivedEvent.OfDisconnect(new NodeId(2));
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

    private sealed class NullStateMachine : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command) => 0;
    }

    private sealed class FrozenClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
