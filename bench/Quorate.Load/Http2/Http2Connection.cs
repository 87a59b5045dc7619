using System.Diagnostics;
using System.Net.Sockets;

namespace Quorate.Load.Http2;

/// <summary>
/// The client side of one HTTP/2 connection over a plaintext socket that carries many copies of one <see cref="PreparedRequest"/>.
/// </summary>
/// <remarks>
/// Shape: <see cref="Start"/> appends requests to a buffer and <see cref="Flush"/> sends the buffer, so the requests that one received
/// batch of responses triggers leave in one system call. <see cref="Receive"/> reads what has arrived and completes operations.
/// Threading: one thread; no call blocks except <see cref="Open"/>.
/// Errors: a failed operation is completed with a reason. What ends the connection fails all its operations, and <see cref="IsUsable"/>
/// becomes false; there is no reconnect. Source: RFC 9113.
/// </remarks>
internal sealed partial class Http2Connection : IDisposable
{
    // The smallest maximum that a peer can announce, and the one that applies to both sides until it announces another.
    private const int FrameBytesMax = 16_384;
    private const int InitialWindowBytes = 65_535;

    // Large enough that no response waits for a window update. Enlarged when half of it has been used.
    private const int StreamWindowBytes = 1 << 20;
    private const int ConnectionWindowBytes = 1 << 24;
    private const int StreamIdMax = int.MaxValue - 2;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly string _path;
    private readonly byte[] _message;
    private readonly ICallHandler _handler;
    private readonly Queue<Call> _waitingForWindow = new();
    private readonly Call?[] _calls;
    private readonly byte[] _received = new byte[8 * FrameBytesMax];
    private readonly SendBuffer _toSend = new();
    private PreparedRequest? _request;
    private int _receivedBytes;
    private int _nextStreamId = 1;

    // Limits set by the server.
    private long _sendWindow = InitialWindowBytes;
    private int _serverStreamWindow = InitialWindowBytes;
    private int _serverTableBytesMax = HpackDecoder.TableBytesMax;
    private long _serverStreamsMax = long.MaxValue;
    private bool _hasServerSettings;

    /// <param name="endpoint">The server; the scheme is http.</param>
    /// <param name="path">The gRPC method: <c>/package.Service/Method</c>.</param>
    /// <param name="message">The request message; <see cref="ICallHandler.Prepare"/> changes each copy of it.</param>
    /// <param name="clients">The number of operations that are in flight at the same time.</param>
    /// <param name="handler">Prepares requests and receives completions.</param>
    public Http2Connection(Uri endpoint, string path, byte[] message, int clients, ICallHandler handler)
    {
        Endpoint = endpoint;
        _path = path;
        _message = message;
        _handler = handler;
        Calls = [.. Enumerable.Range(0, clients).Select(_ => new Call(this))];

        // A stream id whose slot is taken is skipped; with four slots per client that is rare.
        _calls = new Call?[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(4 * clients))];
    }

    public Uri Endpoint { get; }

    /// <summary>One element per client.</summary>
    public Call[] Calls { get; }

    /// <summary>Whether further operations can be started.</summary>
    public bool IsUsable => Failure is null;

    /// <summary>Why the connection cannot be used any more; null while it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>Whether nothing can be sent or received any more. After GOAWAY a connection is unusable, but open.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether <see cref="Flush"/> has something to send.</summary>
    public bool HasOutput => _toSend.Count > 0 && !IsClosed;

    public int FileDescriptor => (int)_socket.Handle;

    /// <summary>Connects, exchanges the settings and prepares the requests.</summary>
    /// <exception cref="Http2Exception">The server does not respond, does not speak HTTP/2, or its limits are too small.</exception>
    public void Open(TimeSpan timeout)
    {
        var deadline = Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        try
        {
            // A blocking connect: the asynchronous one would register the socket with the runtime's own event loop, whose thread would
            // then wake for every packet.
            _socket.Connect(Endpoint.Host, Endpoint.Port);
        }
        catch (SocketException failure)
        {
            throw new Http2Exception($"cannot connect to {Endpoint.Authority} ({failure.Message}); check that a server listens there");
        }

        _socket.Blocking = false;
        WritePreface();
        while (!_hasServerSettings)
        {
            Flush();
            var rest = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), deadline);
            if (rest <= TimeSpan.Zero)
            {
                throw new Http2Exception($"{Endpoint.Authority} does not respond; check that a server listens there");
            }

            _socket.Poll(rest, SelectMode.SelectRead);
            Receive();
            if (Failure is { } failure)
            {
                throw new Http2Exception($"{Endpoint.Authority}: {failure}; check that it serves HTTP/2 without TLS");
            }
        }

        _request = new PreparedRequest(Endpoint.Authority, _path, _message, _serverTableBytesMax);
        Require(_request.DataBytes <= Math.Min(FrameBytesMax, _serverStreamWindow), "the value does not fit into one frame");
        Require(Calls.Length <= _serverStreamsMax, $"the server allows {_serverStreamsMax} clients per connection: add --connections");
    }

    /// <summary>Begins an operation on an idle call; the next <see cref="Flush"/> sends it unless the window is full.</summary>
    public void Start(Call call, long startedAt, long now)
    {
        call.Begin(startedAt, now);
        if (_waitingForWindow.Count > 0 || !TryWrite(call))
        {
            _waitingForWindow.Enqueue(call);
        }
    }

    /// <summary>Sends as much of the buffer as the socket accepts.</summary>
    public void Flush()
    {
        while (HasOutput)
        {
            var sent = _socket.Send(_toSend.Unsent, SocketFlags.None, out var error);
            if (error is SocketError.WouldBlock)
            {
                return;
            }

            if (error is not SocketError.Success)
            {
                Fail($"connection lost ({error})");
                return;
            }

            _toSend.Consume(sent);
        }
    }

    /// <summary>Fails the operations that were sent before <paramref name="sentBefore"/>, and cancels their streams.</summary>
    public void ExpireCalls(long sentBefore)
    {
        foreach (var call in Calls)
        {
            if (call.IsActive && call.SentAt < sentBefore)
            {
                if (call.StreamId != 0)
                {
                    const int cancel = 8;
                    WriteControlFrame(FrameType.RstStream, call.StreamId, cancel);
                }

                Complete(call, "timeout");
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new Http2Exception(otherwise);
        }
    }

    private bool TryWrite(Call call)
    {
        var request = _request!;
        if (_sendWindow < request.DataBytes)
        {
            return false;
        }

        var isFirst = _nextStreamId == 1;
        while (_calls[SlotOf(_nextStreamId)] is not null)
        {
            _nextStreamId += 2;
        }

        var streamId = _nextStreamId;
        _nextStreamId += 2;
        _sendWindow -= request.DataBytes;
        _calls[SlotOf(streamId)] = call;
        call.StreamId = streamId;
        var target = _toSend.Reserve(request.BytesMax);
        var bytes = request.Write(target, streamId, isFirst);
        _handler.Prepare(target[(bytes - _message.Length)..bytes]);
        _toSend.Advance(bytes);
        if (_nextStreamId >= StreamIdMax)
        {
            Retire("the connection has used all stream ids", lastStreamId: int.MaxValue);
        }

        return true;
    }

    private int SlotOf(int streamId) => (streamId >> 1) & (_calls.Length - 1);

    private Call? Find(int streamId) => _calls[SlotOf(streamId)] is { } call && call.StreamId == streamId ? call : null;

    private void Complete(Call call, string? error)
    {
        if (call.StreamId != 0)
        {
            _calls[SlotOf(call.StreamId)] = null;
            call.StreamId = 0;
        }

        call.IsActive = false;
        _handler.OnCompleted(call, error);
    }

    private void Fail(string reason)
    {
        IsClosed = true;
        Retire(reason, lastStreamId: 0);
    }

    /// <summary>Fails the operations beyond <paramref name="lastStreamId"/>; the others may complete, and no more start.</summary>
    private void Retire(string reason, int lastStreamId)
    {
        Failure ??= reason;
        _waitingForWindow.Clear();
        foreach (var call in Calls)
        {
            if (call.IsActive && (call.StreamId == 0 || call.StreamId > lastStreamId))
            {
                Complete(call, reason);
            }
        }
    }
}
