using System.Globalization;
using Quorate.Raft;
using Quorate.Verification.Tracing;

namespace Quorate.Verification.Simulation;

/// <summary>What happened, in order: a hash of all of it, and the end of it in words.</summary>
internal sealed class Chronicle(VirtualTime time, Action<string>? tell, TraceWriter? trace, DeterminismRecord? record)
{
    private const int LinesMax = 120;
    private readonly Queue<Line> _lines = new();

    /// <summary>
    /// Two runs with the same hash did the same: in it are the checksum of every message that arrived, what each core became, all that is told here, what reads were answered, how each
    /// operation ended, and the state at the end, all with their moments.
    /// </summary>
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037UL;

    /// <summary>Notes something that is worth a line.</summary>
    public void Note(NodeId node, string what, string detail = "")
    {
        Remember(node, what, detail);
        trace?.WriteNote(time.Now, node, what, detail);
    }

    /// <summary>Notes that a process begins.</summary>
    public void Started(RaftCore core)
    {
        Remember(core.Self, "starts", core.LastIndex.ToString());
        trace?.WriteStart(time.Now, core);
    }

    /// <summary>Notes that a process ends.</summary>
    public void Ended(NodeId node, string why)
    {
        Remember(node, "ends", why);
        trace?.WriteEnd(time.Now, node, why);
    }

    /// <summary>Notes what a core says of itself.</summary>
    public void Note(NodeId node, in TraceEvent happened)
    {
        Mix(node.Value ^ ((ulong)happened.Kind << 8) ^ (happened.Term.Value << 16) ^ (happened.Peer.Value << 32) ^ (happened.Index.Value << 40));
        Add(new Line(time.Now, node, "", "", happened));
    }

    /// <summary>Notes something that only the hash needs.</summary>
    public void Mix(ulong value)
    {
        Hash = ((Hash ^ value ^ (ulong)time.Now) * 0x9E37_79B9_7F4A_7C15) ^ (Hash >> 29);
        record?.OnEvent(Hash, time.Now);
    }

    /// <summary>The same, of words.</summary>
    public void Mix(string words)
    {
        var digest = 0UL;
        foreach (var c in words)
            digest = (digest ^ c) * 0x0000_0100_0000_01B3;
        Mix(digest);
    }

    /// <summary>The last lines.</summary>
    public override string ToString() => string.Join('\n', _lines);

    private void Remember(NodeId node, string what, string detail)
    {
        Mix(node.Value);
        Mix(what);
        Mix(detail);
        Add(new Line(time.Now, node, what, detail, default));
    }

    private void Add(in Line line)
    {
        _lines.Enqueue(line);
        if (_lines.Count > LinesMax)
            _lines.Dequeue();
        tell?.Invoke(line.ToString());
        if (record is not null)
            Record(line);
    }

    private void Record(Line line) => record!.OnLine(() => line.ToString());

    /// <summary>Written only when somebody reads it.</summary>
    private readonly record struct Line(long At, NodeId Node, string What, string Detail, TraceEvent Happened)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{At / 1e6,10:0.000000}  {(Node == NodeId.None ? "-" : Node.ToString())}  {(What.Length > 0 ? What : Happened.ToString())} {Detail}");
    }
}
