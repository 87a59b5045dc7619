using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Quorate.Raft;

namespace Quorate.Node.Tracing;

/// <summary>
/// Writes a trace of a simulated cluster or of one real member as NDJSON, one line per step of a core: the input, the core's state after
/// the step, and the effects.
/// </summary>
/// <remarks>
/// docs/formats/trace.md describes the format line by line. A change of the format increments <see cref="Version"/> and changes that page
/// and the golden trace.
/// Threading: one caller at a time. Errors: the trace of a member ends at the first exception of its stream, without an exception here; the
/// trace of a simulated cluster throws that exception. Durability: lines reach the stream at the end of an iteration of the driver, so that
/// an iteration costs one write; they are never flushed to the disk.
/// </remarks>
internal sealed class TraceWriter : IDisposable
{
    public const int Version = 1;

    /// <summary>Lines go to the stream before the end of an iteration when they are larger than this.</summary>
    private const int BufferedBytesMax = 64 << 10;

    private readonly Stream _target;
    private readonly Func<long> _clock;

    /// <summary>Called once, when the target throws. Null in the trace of a cluster: the caller gets the exception.</summary>
    private readonly Action<Exception>? _onFailed;

    private readonly ArrayBufferWriter<byte> _lines = new();
    private readonly Utf8JsonWriter _json;
    private readonly Dictionary<NodeId, ProcessState> _processes = [];
    private long _messages;
    private bool _hasFailed;

    private TraceWriter(Stream target, Func<long> clock, Action<Exception>? onFailed)
    {
        (_target, _clock, _onFailed) = (target, clock, onFailed);
        _json = new Utf8JsonWriter(_lines, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private bool IsOfCluster => _onFailed is null;

    /// <summary>
    /// Begins the trace of a simulated cluster. The network carries the id of each message: <see cref="DequeueMessageId"/> returns it to
    /// the sender's end, and the receiver's end passes it to <see cref="SetReceivedMessageId"/>.
    /// </summary>
    /// <param name="target">Receives the lines; the caller disposes it after this object.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="members">The members of the cluster.</param>
    /// <param name="clock">Returns the virtual time in microseconds.</param>
    public static TraceWriter ForCluster(Stream target, ulong seed, IEnumerable<NodeId> members, Func<long> clock)
    {
        var trace = new TraceWriter(target, clock, onFailed: null);
        trace.WriteHeader("seed", seed, members);
        return trace;
    }

    /// <summary>Begins the trace of one member on a real network, which carries no message ids.</summary>
    /// <param name="target">Receives the lines; the caller disposes it after the member has stopped.</param>
    /// <param name="self">The member.</param>
    /// <param name="members">The members of the cluster.</param>
    /// <param name="time">The clock: lines have the time since now.</param>
    /// <param name="onFailed">Called once, when the target throws. The trace has ended then, and the member runs on.</param>
    public static TraceWriter ForMember(
        Stream target, NodeId self, IEnumerable<NodeId> members, TimeProvider time, Action<Exception> onFailed)
    {
        var started = time.GetTimestamp();
        var startedAt = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var trace = new TraceWriter(target, () => time.GetElapsedTime(started).Ticks / TimeSpan.TicksPerMicrosecond, onFailed);
        trace.WriteHeader("node", self.Value, members, startedAt);
        return trace;
    }

    /// <summary>A process starts from the contents of its disk.</summary>
    public void WriteStart(RaftCore core)
    {
        _processes[core.Self] = new ProcessState { State = CoreState.Of(core) };
        BeginLine(core.Self, "Start");
        WriteState(core);
        _json.WriteStartArray("log");
        for (var index = core.CompactedIndex + 1; index <= core.LastIndex; index += 1)
        {
            if (core.TermAt(index) is { } term && (term != core.TermAt(index - 1) || index == core.CompactedIndex + 1))
                WriteNumbers(term.Value, index.Value);
        }

        _json.WriteEndArray();
        EndLine();
        WriteLinesToTarget();
    }

    /// <summary>A process ends, for any reason. The stream is flushed, because these may be the last lines.</summary>
    public void WriteEnd(NodeId node, string reason)
    {
        BeginLine(node, "End");
        _json.WriteString("why", reason);
        EndLine();
        WriteLinesToTarget(flush: true);
    }

    /// <summary>An event outside the cores: a fault injection, the start of the liveness phase.</summary>
    public void WriteNote(NodeId node, string what, string detail)
    {
        BeginLine(node, "Note");
        _json.WriteString("what", what);
        if (detail.Length > 0)
            _json.WriteString("detail", detail);
        EndLine();
    }

    /// <summary>A core has taken a step. A tick or an end of iteration without effects is omitted.</summary>
    /// <param name="core">The core, after the step.</param>
    /// <param name="input">The input.</param>
    /// <param name="effects">The effects of the step.</param>
    public void WriteStep(RaftCore core, in Input input, Effects effects)
    {
        if (_hasFailed)
            return;
        var process = _processes[core.Self];
        var state = CoreState.Of(core);
        if (input.Kind is not (InputKind.Tick or InputKind.EndOfIteration) || state != process.State || !IsEmpty(effects))
        {
            process.State = state;
            BeginLine(core.Self, input.Kind.ToString());
            WriteInput(input, process.ReceivedMessageId);
            WriteState(core);
            WriteEffects(effects, process);
            if (input.Kind == InputKind.Durable)
                WriteReleased(process, input.Number);
            EndLine();
        }

        if (input.Kind == InputKind.EndOfIteration)
            WriteLinesToTarget();
    }

    /// <summary>Returns the trace's id of the next message that the driver sends: simulated clusters only.</summary>
    public long DequeueMessageId(NodeId sender) => _processes[sender].Outgoing.Dequeue();

    /// <summary>Sets the id of the message whose step the receiver takes next: simulated clusters only.</summary>
    public void SetReceivedMessageId(NodeId receiver, long id) => _processes[receiver].ReceivedMessageId = id;

    /// <summary>Writes the lines that the stream has not received yet. The stream stays open.</summary>
    public void Dispose()
    {
        WriteLinesToTarget();
        _json.Dispose();
    }

    private void WriteHeader(string ofWhat, ulong id, IEnumerable<NodeId> members, long? startedAt = null)
    {
        _json.WriteStartObject();
        _json.WriteString("format", "quorate-trace");
        _json.WriteNumber("version", Version);
        _json.WriteNumber(ofWhat, id);
        if (startedAt is { } microseconds)
            _json.WriteNumber("startedAt", microseconds);
        _json.WriteStartArray("members");
        foreach (var member in members)
            _json.WriteNumberValue(member.Value);
        _json.WriteEndArray();
        EndLine();
    }

    private static bool IsEmpty(Effects effects) =>
        effects.Append.IsEmpty
        && effects.SendNow.Messages.Count == 0
        && effects.SendWhenDurable.Messages.Count == 0
        && effects.Apply.IsEmpty
        && effects.Rejections.Count == 0
        && effects.ReadResults.Count == 0
        && effects.TransferResults.Count == 0
        && effects.EntriesRequests.Count == 0
        && effects.CompactTo == LogIndex.Zero
        && effects.RestoreSnapshot is null
        && effects.NeededSnapshot is null
        && effects.Indeterminate.Count == 0
        && effects.Trace.Count == 0;

    private void WriteInput(in Input input, long messageId)
    {
        switch (input.Kind)
        {
            case InputKind.Message:
                _json.WritePropertyName("received");
                MessageJsonWriter.Write(_json, input.Message!, messageId);
                break;
            case InputKind.Propose:
                _json.WriteNumber("proposals", input.Proposals.Length);
                break;
            case InputKind.Read:
                _json.WriteNumber("ticket", input.Number);
                break;
            case InputKind.Durable:
                _json.WriteNumber("token", input.Number);
                break;
            case InputKind.Withdraw:
                _json.WriteNumber("sequence", input.Number);
                break;
            case InputKind.EntriesLoaded:
                _json.WriteNumber("peer", input.Peer.Value);
                MessageJsonWriter.WriteEntries(_json, "entries", input.Entries.Span);
                break;
            case InputKind.StorageHealth:
                _json.WriteString("health", ((StorageHealth)input.Number).ToString());
                break;
            case InputKind.TransferSupport:
                _json.WriteBoolean("isSupported", input.Number != 0);
                break;
            case InputKind.ProposeClusterVersion:
                _json.WriteString("payload", Convert.ToHexStringLower(input.Payload.Span));
                break;
            case InputKind.TransferLeadership:
                WriteTransfer(input);
                break;
            case InputKind.PeerLost:
                _json.WriteNumber("peer", input.Peer.Value);
                break;
            case InputKind.SnapshotSaved or InputKind.SnapshotReceived:
                WriteEntryId("last", input.Snapshot);
                break;
        }
    }

    private void WriteTransfer(in Input input)
    {
        if (input.Peer != NodeId.None)
            _json.WriteNumber("peer", input.Peer.Value);
        if (input.Number != 0)
            _json.WriteNumber("ticket", input.Number);
        if (input.Ticks != 0)
            _json.WriteNumber("ticks", input.Ticks);
    }

    private void WriteTransferResults(Effects effects)
    {
        if (effects.TransferResults.Count == 0)
            return;
        _json.WriteStartArray("transfers");
        foreach (var result in effects.TransferResults)
        {
            _json.WriteStartObject();
            _json.WriteNumber("ticket", result.Ticket);
            _json.WriteNumber("leader", result.Leader.Value);
            if (result.Failure is { } failure)
                _json.WriteString("failed", failure.ToString());
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
    }

    private void WriteState(RaftCore core)
    {
        _json.WriteStartObject("state");
        _json.WriteString("role", core.Role.ToString());
        _json.WriteNumber("term", core.Term.Value);
        _json.WriteNumber("vote", core.VotedFor.Value);
        _json.WriteNumber("leader", core.Leader.Value);
        _json.WriteNumber("compacted", core.CompactedIndex.Value);
        _json.WriteNumber("snapshot", core.SnapshotIndex.Value);
        _json.WriteNumber("applied", core.AppliedIndex.Value);
        _json.WriteNumber("commit", core.CommitIndex.Value);
        _json.WriteNumber("durable", core.DurableIndex.Value);
        _json.WriteNumber("last", core.LastIndex.Value);
        _json.WriteNumber("lastTerm", core.LastTerm.Value);
        _json.WriteEndObject();
    }

    private void WriteEffects(Effects effects, ProcessState process)
    {
        WriteAppend(effects.Append);
        if (effects.SendNow.Messages.Count > 0)
        {
            _json.WriteStartArray("send");
            foreach (var message in effects.SendNow.Messages)
            {
                MessageJsonWriter.Write(_json, message, ++_messages);
                EnqueueOutgoing(process, _messages);
            }

            _json.WriteEndArray();
        }

        if (effects.SendWhenDurable.Messages.Count > 0)
        {
            _json.WriteStartObject("hold");
            _json.WriteNumber("token", effects.SendWhenDurable.Token);
            _json.WriteStartArray("messages");
            foreach (var message in effects.SendWhenDurable.Messages)
            {
                MessageJsonWriter.Write(_json, message, ++_messages);
                process.Held.Enqueue((effects.SendWhenDurable.Token, _messages));
            }

            _json.WriteEndArray();
            _json.WriteEndObject();
        }

        WriteResults(effects);
        if (effects.Trace.Count == 0)
            return;
        _json.WriteStartArray("happened");
        foreach (var happened in effects.Trace)
        {
            _json.WriteStartObject();
            _json.WriteString("kind", happened.Kind.ToString());
            if (happened.Peer != NodeId.None)
                _json.WriteNumber("peer", happened.Peer.Value);
            if (happened.Index != LogIndex.Zero)
                _json.WriteNumber("index", happened.Index.Value);
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
    }

    private void WriteAppend(in AppendEffect append)
    {
        if (append.IsEmpty)
            return;
        _json.WriteStartObject("append");
        _json.WriteNumber("token", append.Token);
        if (append.HardState is { } hardState)
        {
            _json.WriteStartObject("hardState");
            _json.WriteNumber("term", hardState.Term.Value);
            _json.WriteNumber("vote", hardState.VotedFor.Value);
            _json.WriteEndObject();
        }

        if (append.ResetTo is { } snapshot)
            WriteEntryId("resetTo", snapshot);
        if (!append.Entries.IsEmpty)
            MessageJsonWriter.WriteEntries(_json, "entries", append.Entries.Span);
        _json.WriteNumber("commit", append.Commit.Value);
        _json.WriteEndObject();
    }

    private void WriteSnapshotEffects(Effects effects)
    {
        if (effects.CompactTo > LogIndex.Zero)
            _json.WriteNumber("compactTo", effects.CompactTo.Value);
        if (effects.RestoreSnapshot is { } restored)
            WriteEntryId("restore", restored);
        if (effects.NeededSnapshot is { } needed)
            WriteEntryId("needed", needed.AtLeast);
        if (effects.Indeterminate.Count > 0)
            _json.WriteNumber("indeterminate", effects.Indeterminate.Count);
    }

    private void WriteEntryId(string name, EntryId id)
    {
        _json.WriteStartArray(name);
        _json.WriteNumberValue(id.Term.Value);
        _json.WriteNumberValue(id.Index.Value);
        _json.WriteEndArray();
    }

    private void WriteResults(Effects effects)
    {
        WriteSnapshotEffects(effects);
        WriteTransferResults(effects);
        if (!effects.Apply.IsEmpty)
        {
            _json.WriteStartArray("apply");
            _json.WriteNumberValue(effects.Apply.Span[0].Index.Value);
            _json.WriteNumberValue(effects.Apply.Span[^1].Index.Value);
            _json.WriteEndArray();
        }

        if (effects.Rejections.Count > 0)
        {
            _json.WriteStartArray("rejected");
            foreach (var rejection in effects.Rejections)
                _json.WriteStringValue(rejection.Reason.ToString());
            _json.WriteEndArray();
        }

        if (effects.ReadResults.Count > 0)
        {
            _json.WriteStartArray("reads");
            foreach (var result in effects.ReadResults)
            {
                _json.WriteStartObject();
                _json.WriteNumber("ticket", result.Ticket);
                if (result.RejectReason is { } reason)
                    _json.WriteString("refused", reason.ToString());
                else
                    _json.WriteNumber("index", result.Index.Value);
                _json.WriteEndObject();
            }

            _json.WriteEndArray();
        }

        if (effects.EntriesRequests.Count == 0)
            return;
        _json.WriteStartArray("readBack");
        foreach (var read in effects.EntriesRequests)
            WriteNumbers(read.Peer.Value, read.From.Value, read.To.Value);
        _json.WriteEndArray();
    }

    private void WriteReleased(ProcessState process, ulong durable)
    {
        if (!process.Held.TryPeek(out var oldest) || oldest.Token > durable)
            return;
        _json.WriteStartArray("release");
        while (process.Held.TryPeek(out var held) && held.Token <= durable)
        {
            process.Held.Dequeue();
            EnqueueOutgoing(process, held.Message);
            _json.WriteNumberValue(held.Message);
        }

        _json.WriteEndArray();
    }

    /// <summary>Queues an id for <see cref="DequeueMessageId"/>; in the trace of a member, nothing would take it out again.</summary>
    private void EnqueueOutgoing(ProcessState process, long id)
    {
        if (IsOfCluster)
            process.Outgoing.Enqueue(id);
    }

    private void WriteNumbers(params ReadOnlySpan<ulong> numbers)
    {
        _json.WriteStartArray();
        foreach (var number in numbers)
            _json.WriteNumberValue(number);
        _json.WriteEndArray();
    }

    private void BeginLine(NodeId node, string eventName)
    {
        _json.WriteStartObject();
        _json.WriteNumber("at", _clock());
        _json.WriteNumber("node", node.Value);
        _json.WriteString("event", eventName);
    }

    private void EndLine()
    {
        _json.WriteEndObject();
        _json.Flush();
        _lines.Write("\n"u8);
        _json.Reset();
        if (_lines.WrittenCount > BufferedBytesMax)
            WriteLinesToTarget();
    }

    private void WriteLinesToTarget(bool flush = false)
    {
        if (_hasFailed || _lines.WrittenCount == 0)
            return;
        try
        {
            _target.Write(_lines.WrittenSpan);
            if (flush)
                _target.Flush();
        }
#pragma warning disable CA1031 // The stream is the embedder's and may throw anything; a trace must not stop a member.
        catch (Exception fault) when (!IsOfCluster)
#pragma warning restore CA1031
        {
            _hasFailed = true;
            _onFailed!(fault);
        }

        _lines.ResetWrittenCount();
    }

    /// <summary>State of one process: which of its messages are held until a flush, and which are about to be sent.</summary>
    private sealed class ProcessState
    {
        public CoreState State { get; set; }

        public long ReceivedMessageId { get; set; }

        public Queue<(ulong Token, long Message)> Held { get; } = new();

        public Queue<long> Outgoing { get; } = new();
    }
}
