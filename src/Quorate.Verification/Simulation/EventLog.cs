using System.Globalization;
using Quorate.Node.Tracing;
using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>The log of a run's events in order: a hash over all of them, and the last lines as text.</summary>
internal sealed class EventLog(VirtualTime time, Action<string>? onEvent, TraceWriter? trace, DeterminismRecord? determinismRecord)
{
    private const int LinesMax = 120;
    private readonly Queue<Line> _lines = new();

    /// <summary>
    /// Two runs with the same hash did the same. The hash covers, each with its virtual time: the checksum of every delivered message, the
    /// state of each core after it changed, every recorded event, the results of reads, the outcome of each operation, and the final state.
    /// It covers the texts of recorded events too: a reworded text changes the hash of a run, but not the run.
    /// </summary>
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037UL;

    /// <summary>Records an event with a line of its own.</summary>
    public void Record(NodeId node, string text, string detail = "")
    {
        RecordText(node, text, detail);
        trace?.WriteNote(node, text, detail);
    }

    /// <summary>Records that a process started. Its group has written that to the trace.</summary>
    public void RecordProcessStart(RaftCore core) => RecordText(core.Self, "starts", core.LastIndex.ToString());

    /// <summary>Records that a process ended.</summary>
    public void RecordProcessEnd(NodeId node, string reason)
    {
        RecordText(node, "ends", reason);
        trace?.WriteEnd(node, reason);
    }

    /// <summary>Records a trace event of a core.</summary>
    public void Record(NodeId node, in TraceEvent traceEvent)
    {
        AddToHash(
            node.Value ^ ((ulong)traceEvent.Kind << 8) ^ (traceEvent.Term.Value << 16) ^ (traceEvent.Peer.Value << 32) ^
            (traceEvent.Index.Value << 40));
        AddLine(new Line(time.Now, node, "", "", traceEvent));
    }

    /// <summary>Adds a value to the hash without recording a line.</summary>
    public void AddToHash(ulong value)
    {
        Hash = ((Hash ^ value ^ (ulong)time.Now) * 0x9E37_79B9_7F4A_7C15) ^ (Hash >> 29);
        determinismRecord?.OnEvent(Hash, time.Now);
    }

    /// <summary>Adds a text to the hash without recording a line.</summary>
    public void AddToHash(string text)
    {
        var digest = 0UL;
        foreach (var c in text)
            digest = (digest ^ c) * 0x0000_0100_0000_01B3;
        AddToHash(digest);
    }

    /// <summary>Returns the last lines.</summary>
    public override string ToString() => string.Join('\n', _lines);

    private void RecordText(NodeId node, string text, string detail)
    {
        AddToHash(node.Value);
        AddToHash(text);
        AddToHash(detail);
        AddLine(new Line(time.Now, node, text, detail, default));
    }

    private void AddLine(in Line line)
    {
        _lines.Enqueue(line);
        if (_lines.Count > LinesMax)
            _lines.Dequeue();
        onEvent?.Invoke(line.ToString());
        if (determinismRecord is not null)
            AddToDeterminismRecord(line);
    }

    private void AddToDeterminismRecord(Line line) => determinismRecord!.OnLine(() => line.ToString());

    /// <summary>A line of the log. It is formatted only when it is read, because most lines never are.</summary>
    private readonly record struct Line(long Time, NodeId Node, string Text, string Detail, TraceEvent TraceEvent)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Time / 1e6,10:0.000000}  {NodeText}  {(Text.Length > 0 ? Text : TraceEvent.ToString())} {Detail}");

        private string NodeText => Node == NodeId.None ? "-" : Node.ToString();
    }
}
