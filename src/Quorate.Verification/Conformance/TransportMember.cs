using Quorate.Node.Threading;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Conformance;

/// <summary>One member of a conformance check: a started transport, and the driver's side of it.</summary>
internal sealed class TransportMember : IAsyncDisposable
{
    private readonly AsyncAutoResetEvent _ready = new();
    private readonly string _check;
    private readonly TimeSpan _timeout;
    private int _signals;

    public TransportMember(
        string check, TimeSpan timeout, TransportStartContext context, Func<TransportStartContext, ITransport> start)
    {
        (_check, _timeout, Id) = (check, timeout, context.NodeId);
        Transport = start(context with
        {
            OnReady = () =>
            {
                Interlocked.Increment(ref _signals);
                _ready.Set();
            },
        });
    }

    public NodeId Id { get; }

    public ITransport Transport { get; }

    /// <summary>How often the transport has called OnReady.</summary>
    public int Signals => Volatile.Read(ref _signals);

    /// <summary>Sends a numbered message and flushes.</summary>
    public void Send(TransportMember to, ulong number)
    {
        Queue(to.Id, number);
        Transport.Flush();
    }

    public void Queue(NodeId to, ulong number) =>
        Transport.Send(new ReadIndexRequest { From = Id, To = to, Term = new Term(1), ReadId = number });

    /// <summary>
    /// Returns the next event, if there is one; the caller polls. To be used where messages may be lost, so that no signal need follow.
    /// </summary>
    public bool TryReceiveMessage(out ReceivedEvent received)
    {
        while (Transport.TryReceive(out received))
        {
            if (received.Kind == ReceivedEventKind.Message)
            {
                Require(
                    received.Message?.To == Id && received.Message.From == received.Peer,
                    $"member {Id} received {received.Message} from peer {received.Peer}");
                return true;
            }
        }

        return false;
    }

    /// <summary>Waits for the next message; between two attempts it waits for OnReady, as a sleeping driver does.</summary>
    public async Task<ReceivedEvent> ReceiveAsync()
    {
        ReceivedEvent received;
        while (!TryReceiveMessage(out received))
        {
            try
            {
                await _ready.WaitAsync().AsTask().WaitAsync(_timeout).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw Failure($"member {Id} waited for a message, and OnReady was not called for {_timeout.TotalSeconds} s");
            }
        }

        return received;
    }

    /// <summary>
    /// Sends numbered messages, ascending from <paramref name="first"/>, until the receiver has one of them: the connection is established.
    /// Returns the number of the last message that was sent.
    /// </summary>
    public async Task<ulong> SendUntilReceivedAsync(TransportMember to, ulong first = 1)
    {
        var number = first;
        var arrived = false;
        await UntilAsync(
            () =>
            {
                Send(to, number++);
                while (to.TryReceiveMessage(out var received))
                    arrived |= received.Peer == Id && received.Message is ReadIndexRequest { ReadId: var id } && id >= first;
                return arrived;
            },
            $"member {to.Id} received no message of member {Id}, which kept sending").ConfigureAwait(false);
        return number - 1;
    }

    public async Task UntilAsync(Func<bool> condition, string otherwise)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Require(TimeProvider.System.GetElapsedTime(started) < _timeout, $"{otherwise}, for {_timeout.TotalSeconds} s");
            await Task.Delay(1).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a call that must not block on a thread of its own, and fails the check if it does not return.</summary>
    public async Task RunWithoutBlockingAsync(Action call, string what)
    {
        var running = Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (await Task.WhenAny(running, Task.Delay(_timeout)).ConfigureAwait(false) != running)
            throw Failure($"{what} did not return within {_timeout.TotalSeconds} s: it blocks");
        await running.ConfigureAwait(false);
    }

    public void Require([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds)
            throw Failure(otherwise);
    }

    public ConformanceException Failure(string detail) => new(_check, detail);

    public async ValueTask DisposeAsync()
    {
        await Transport.DisposeAsync().ConfigureAwait(false);
    }
}
