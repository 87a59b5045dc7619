using System.Globalization;
using Quorate.Raft;
using Quorate.Verification.Tracing;

namespace Quorate.Verification.Simulation;

/// <summary>What happened, in order: a hash of all of it, and the end of it in words.</summary>
internal sealed class EventLog(VirtualTime time, Action<string>? onEvent, TraceWriter? trace, DeterminismRecord? determinismRecord)
{
    private const int LinesMax = 120;
    private readonly Queue<Line> _lines = new();

    /// <summary>
    /// Two runs with the same hash did the same: in it are the checksum of every message that arrived, what each core became, all that is told here, what reads were answered, how each
    /// operation ended, and the state at the end, all with their moments.
    /// </summary>
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037UL;

    /// <summary>Notes something that is worth a line.</summary>
    public void Record(NodeId node, string text, string detail = "")
    {
        RecordText(node, text, detail);
        trace?.WriteNote(time.Now, node, text, detail);
    }

    /// <summary>Notes that a process begins.</summary>
    public void RecordProcessStart(RaftCore core)
    {
        RecordText(core.Self, "starts", core.LastIndex.ToString());
        trace?.WriteStart(time.Now, core);
    }

    /// <summary>Notes that a process ends.</summary>
    public void RecordProcessEnd(NodeId node, string reason)
    {
        RecordText(node, "ends", reason);
        trace?.WriteEnd(time.Now, node, reason);
    }

    /// <summary>Notes what a core says of itself.</summary>
    public void Record(NodeId node, in TraceEvent traceEvent)
    {
        AddToHash(node.Value ^ ((ulong)traceEvent.Kind << 8) ^ (traceEvent.Term.Value << 16) ^ (traceEvent.Peer.Value << 32) ^ (traceEvent.Index.Value << 40));
        AddLine(new Line(time.Now, node, "", "", traceEvent));
    }

    /// <summary>Notes something that only the hash needs.</summary>
    public void AddToHash(ulong value)
    {
        Hash = ((Hash ^ value ^ (ulong)time.Now) * 0x9E37_79B9_7F4A_7C15) ^ (Hash >> 29);
        determinismRecord?.OnEvent(Hash, time.Now);
    }

    /// <summary>The same, of words.</summary>
    public void AddToHash(string text)
    {
        var digest = 0UL;
        foreach (var c in text)
            digest = (digest ^ c) * 0x0000_0100_0000_01B3;
        AddToHash(digest);
    }

    /// <summary>The last lines.</summary>
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

    /// <summary>Written only when somebody reads it.</summary>
    private readonly record struct Line(long Time, NodeId Node, string Text, string Detail, TraceEvent TraceEvent)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Time / 1e6,10:0.000000}  {(Node == NodeId.None ? "-" : Node.ToString())}  {(Text.Length > 0 ? Text : TraceEvent.ToString())} {Detail}");
    }
}
