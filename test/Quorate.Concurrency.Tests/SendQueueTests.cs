using Quorate.Node.Threading;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="SendQueue"/> and <see cref="AsyncAutoResetEvent"/>: the driver enqueues and writes what the socket takes at once, a task
/// writes the rest, connections open and close. A list of bytes replaces the socket.
/// </summary>
public sealed class SendQueueTests
{
    [Fact]
    public void Every_message_is_sent_whole_and_in_order_or_counted_as_dropped() => CoyoteTestRunner.Explore(300, async () =>
    {
        var queue = new SendQueue(GroupId.First, bytesMax: 4 * MessageBytes);
        var connections = new List<Connection>();

        var dialer = Task.Run(async () =>
        {
            for (var i = 0; i < 2; i++)
            {
                var connection = new Connection(queue);
                connections.Add(connection);
                queue.Open(socket: null);
                var writing = Task.Run(connection.WriteAllAsync);
                await Task.Yield();
                connection.IsClosed = true;
                queue.Close();
                await writing;
            }
        });
        var loop = Task.Run(() =>
        {
            for (var number = 1UL; number <= 4; number++)
            {
                queue.TryAdd(Message(number), MessageBytes);
                if (number % 2 == 0)
                    WriteAtOnce(queue, connections);
            }
        });
        await Task.WhenAll(new[] { dialer, loop });

        Assert.Equal(0, queue.QueuedBytes);
        Assert.Equal(4, queue.SentMessages + queue.Dropped);
        var next = 1UL;
        foreach (var connection in connections)
            next = connection.CheckWhole(next);
    });

    [Fact]
    public void Queued_messages_are_sent_while_the_connection_is_open() => CoyoteTestRunner.Explore(300, async () =>
    {
        var queue = new SendQueue(GroupId.First, bytesMax: 4 * MessageBytes);
        var connection = new Connection(queue);
        queue.Open(socket: null);
        var writing = Task.Run(connection.WriteAllAsync);

        for (var number = 1UL; number <= 3; number++)
        {
            Assert.True(queue.TryAdd(Message(number), MessageBytes));
            WriteAtOnce(queue, [connection]);
        }

        await connection.SentAsync(3);
        Assert.Equal(3, queue.SentMessages);
        Assert.Equal(0, queue.Dropped);
        connection.IsClosed = true;
        queue.Close();
        await writing;
        Assert.Equal(4UL, connection.CheckWhole(1));
    });

    private static readonly int MessageBytes = (int)WireEncoder.SizeOf(Message(1));

    private static RequestVoteReply Message(ulong number) => new() { From = Given.Self, To = new NodeId(2), Term = new Term(number) };

    /// <summary>Acts as <see cref="SendQueue.Flush"/> does with a socket that takes half a message.</summary>
    private static void WriteAtOnce(SendQueue queue, List<Connection> connections)
    {
        if (queue.TryBeginWrite(out var write))
        {
            if (connections[^1].Write(write, MessageBytes / 2))
                return;
        }

        queue.Flush();
    }

    private sealed class Connection(SendQueue queue)
    {
        private readonly List<byte> _written = [];
        private readonly AsyncAutoResetEvent _progress = new();
        private volatile bool _closed;
        private int _writers;

        public bool IsClosed
        {
            get => _closed;
            set => _closed = value;
        }

        public bool Write(in SendQueueWrite write, int bytes)
        {
            Assert.Equal(1, Interlocked.Increment(ref _writers));
            _written.AddRange(write.Bytes.Span[..bytes]);
            Interlocked.Decrement(ref _writers);
            var nothingMore = queue.EndWrite(write, bytes);
            _progress.Set();
            return nothingMore;
        }

        /// <summary>Acts as the writer of an outbound connection.</summary>
        public async Task WriteAllAsync()
        {
            while (!IsClosed)
            {
                while (queue.TryBeginWrite(out var write))
                {
                    await Task.Yield();
                    Write(write, write.Bytes.Length);
                }

                await queue.WaitAsync();
            }
        }

        public async Task SentAsync(int messages)
        {
            while (queue.SentMessages < messages)
                await _progress.WaitAsync();
        }

        /// <summary>
        /// The received bytes are whole messages, ascending from <paramref name="from"/> on, with at most one incomplete message at the
        /// end.
        /// </summary>
        public ulong CheckWhole(ulong from)
        {
            var frames = _written.ToArray();
            for (var at = 0; at + MessageBytes <= frames.Length; at += MessageBytes)
            {
                var number = from;
                while (!frames.AsSpan(at, MessageBytes).SequenceEqual(Encoded(number)))
                    Assert.True(++number <= 4, "the received bytes are not a whole message, or repeat an earlier one");
                from = number + 1;
            }

            return from;
        }

        private static byte[] Encoded(ulong number)
        {
            var bytes = new byte[MessageBytes];
            WireEncoder.Encode(Message(number), GroupId.First, bytes);
            return bytes;
        }
    }
}
