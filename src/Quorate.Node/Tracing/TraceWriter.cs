using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Quorate.Raft;

namespace Quorate.Node.Tracing;

/// <summary>
/// Writes a trace of a cluster as NDJSON, one line per step of a core: the input, the core's state after the step, and the effects.
/// </summary>
/// <remarks>
/// docs/formats/trace.md describes the format line by line. A change of the format increments <see cref="Version"/> and changes that page
/// and the golden trace.
/// </remarks>
internal sealed class TraceWriter : IDisposable
{
    public const int Version = 1;

    private readonly Stream _target;
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly Utf8JsonWriter _json;
    private readonly Dictionary<NodeId, ProcessState> _processes = [];
    private long _messages;

    public TraceWriter(Stream target, ulong seed, IEnumerable<NodeId> members)
    {
        _target = target;
        _json = new Utf8JsonWriter(_line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        _json.WriteStartObject();
        _json.WriteString("format", "quorate-trace");
        _json.WriteNumber("version", Version);
        _json.WriteNumber("seed", seed);
        _json.WriteStartArray("members");
        foreach (var member in members)
            _json.WriteNumberValue(member.Value);
        _json.WriteEndArray();
        EndLine();
    }

    /// <summary>A process starts from the contents of its disk.</summary>
    public void WriteStart(long at, RaftCore core)
    {
        _processes[core.Self] = new ProcessState { State = CoreState.Of(core) };
        BeginLine(at, core.Self, "Start");
        WriteState(core);
        _json.WriteStartArray("log");
        for (var index = core.SnapshotIndex + 1; index <= core.LastIndex; index += 1)
        {
            if (core.TermAt(index) is { } term && term != core.TermAt(index - 1))
                WriteNumbers(term.Value, index.Value);
        }

        _json.WriteEndArray();
        EndLine();
    }

    /// <summary>A process ends, for any reason.</summary>
    public void WriteEnd(long at, NodeId node, string reason)
    {
        BeginLine(at, node, "End");
        _json.WriteString("why", reason);
        EndLine();
    }

    /// <summary>An event outside the cores: a fault injection, the start of the liveness phase.</summary>
    public void WriteNote(long at, NodeId node, string what, string detail)
    {
        BeginLine(at, node, "Note");
        _json.WriteString("what", what);
        if (detail.Length > 0)
            _json.WriteString("detail", detail);
        EndLine();
    }

    /// <summary>A core has taken a step. A tick or an end of iteration without effects is omitted.</summary>
    /// <param name="at">Virtual time.</param>
    /// <param name="core">The core, after the step.</param>
    /// <param name="input">The input.</param>
    /// <param name="effects">The effects of the step.</param>
    /// <param name="messageId">If the input is a message, the id that <see cref="DequeueMessageId"/> returned when it was sent.</param>
    public void WriteStep(long at, RaftCore core, in Input input, Effects effects, long messageId = 0)
    {
        var process = _processes[core.Self];
        var state = CoreState.Of(core);
        if (input.Kind is InputKind.Tick or InputKind.EndOfIteration && state == process.State && IsEmpty(effects))
            return;

        process.State = state;
        BeginLine(at, core.Self, input.Kind.ToString());
        WriteInput(input, messageId);
        WriteState(core);
        WriteEffects(effects, process);
        if (input.Kind == InputKind.Durable)
            WriteReleased(process, input.Number);
        EndLine();
    }

    /// <summary>Returns the trace's id of the next message that the driver sends.</summary>
    public long DequeueMessageId(NodeId sender) => _processes[sender].Outgoing.Dequeue();

    public void Dispose() => _json.Dispose();

    private static bool IsEmpty(Effects effects) =>
        effects.Append.IsEmpty
        && effects.SendNow.Messages.Count == 0
        && effects.SendWhenDurable.Messages.Count == 0
        && effects.Apply.IsEmpty
        && effects.Rejections.Count == 0
        && effects.ReadResults.Count == 0
        && effects.EntriesRequests.Count == 0
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
            case InputKind.PeerLost:
                _json.WriteNumber("peer", input.Peer.Value);
                break;
        }
    }

    private void WriteState(RaftCore core)
    {
        _json.WriteStartObject("state");
        _json.WriteString("role", core.Role.ToString());
        _json.WriteNumber("term", core.Term.Value);
        _json.WriteNumber("vote", core.VotedFor.Value);
        _json.WriteNumber("leader", core.Leader.Value);
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
                process.Outgoing.Enqueue(_messages);
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

        if (!append.Entries.IsEmpty)
            MessageJsonWriter.WriteEntries(_json, "entries", append.Entries.Span);
        _json.WriteNumber("commit", append.Commit.Value);
        _json.WriteEndObject();
    }

    private void WriteResults(Effects effects)
    {
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
            process.Outgoing.Enqueue(held.Message);
            _json.WriteNumberValue(held.Message);
        }

        _json.WriteEndArray();
    }

    private void WriteNumbers(params ReadOnlySpan<ulong> numbers)
    {
        _json.WriteStartArray();
        foreach (var number in numbers)
            _json.WriteNumberValue(number);
        _json.WriteEndArray();
    }

    private void BeginLine(long at, NodeId node, string eventName)
    {
        _json.WriteStartObject();
        _json.WriteNumber("at", at);
        _json.WriteNumber("node", node.Value);
        _json.WriteString("event", eventName);
    }

    private void EndLine()
    {
        _json.WriteEndObject();
        _json.Flush();
        _line.Write("\n"u8);
        _target.Write(_line.WrittenSpan);
        _line.ResetWrittenCount();
        _json.Reset();
    }

    /// <summary>State of one process: which of its messages are held until a flush, and which are about to be sent.</summary>
    private sealed class ProcessState
    {
        public CoreState State { get; set; }

        public Queue<(ulong Token, long Message)> Held { get; } = new();

        public Queue<long> Outgoing { get; } = new();
    }
}
