using System.Globalization;
using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>What happened, in order: a hash of all of it, and the end of it in words.</summary>
internal sealed class Chronicle(VirtualTime time, Action<string>? tell)
{
    private const int LinesMax = 120;
    private readonly Queue<(long At, NodeId Node, string What, string Detail)> _lines = new();

    /// <summary>Two runs with the same hash did the same.</summary>
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037UL;

    /// <summary>Notes something that is worth a line.</summary>
    public void Note(NodeId node, string what, string detail = "")
    {
        Mix(node.Value);
        foreach (var c in what)
            Mix(c);
        _lines.Enqueue((time.Now, node, what, detail));
        if (_lines.Count > LinesMax)
            _lines.Dequeue();
        tell?.Invoke(Format((time.Now, node, what, detail)));
    }

    /// <summary>Notes something that only the hash needs.</summary>
    public void Mix(ulong value) => Hash = ((Hash ^ value ^ (ulong)time.Now) * 0x9E37_79B9_7F4A_7C15) ^ (Hash >> 29);

    /// <summary>The last lines.</summary>
    public override string ToString() => string.Join('\n', _lines.Select(Format));

    private static string Format((long At, NodeId Node, string What, string Detail) line) => string.Create(
        CultureInfo.InvariantCulture, $"{line.At / 1e6,10:0.000000}  {(line.Node == NodeId.None ? "-" : line.Node.ToString())}  {line.What} {line.Detail}");
}
