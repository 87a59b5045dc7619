using System.Globalization;
using System.Text;

namespace Quorate.Verification;

/// <summary>
/// Records the hash of each event of a run. A second run of the seed is compared with it and stops at its first divergence.
/// </summary>
/// <remarks>
/// Both runs may be in one process, but then a dependency on hash-table order stays hidden: all hashes of a process use the same random
/// seed. So a record can be written by one process and read by another.
/// </remarks>
public sealed class DeterminismRecord
{
    /// <summary>Number of lines of the first run that a divergence shows before its place, and after it.</summary>
    private const int LinesBefore = 4;
    private const int LinesAfter = 4;

    private readonly List<ulong> _hashes = [];
    private readonly List<(int At, string Text)> _lines = [];
    private int? _next;

    /// <summary>Whether events are compared with the record, instead of being added to it.</summary>
    public bool IsSecondRun => _next is not null;

    /// <summary>Reads a record that another process wrote, and starts the comparison.</summary>
    public static DeterminismRecord Read(Stream source)
    {
        using var reader = new BinaryReader(source, Encoding.UTF8, leaveOpen: true);
        var record = new DeterminismRecord();
        for (var left = reader.ReadInt32(); left > 0; left--)
            record._hashes.Add(reader.ReadUInt64());
        for (var left = reader.ReadInt32(); left > 0; left--)
            record._lines.Add((reader.ReadInt32(), reader.ReadString()));
        record.StartSecondRun();
        return record;
    }

    /// <summary>Writes the record of the first run.</summary>
    public void Write(Stream target)
    {
        using var writer = new BinaryWriter(target, Encoding.UTF8, leaveOpen: true);
        writer.Write(_hashes.Count);
        _hashes.ForEach(writer.Write);
        writer.Write(_lines.Count);
        foreach (var (at, text) in _lines)
        {
            writer.Write(at);
            writer.Write(text);
        }
    }

    /// <summary>From now on, events are compared with the record.</summary>
    public void StartSecondRun() => _next = 0;

    /// <summary>Records or compares the hash of an event.</summary>
    internal void OnEvent(ulong hash, long now)
    {
        if (_next is not { } next)
            _hashes.Add(hash);
        else if (next == _hashes.Count || _hashes[next] != hash)
            throw Diverged(next, now, next == _hashes.Count ? "does more" : "does something else");
        else
            _next = next + 1;
    }

    /// <summary>Records a line of text; the second run ignores it.</summary>
    internal void OnLine(Func<string> line)
    {
        if (_next is null)
            _lines.Add((_hashes.Count, line()));
    }

    /// <summary>Ends the comparison: the second run must not have fewer events than the first.</summary>
    internal void FinishSecondRun(long now)
    {
        if (_next is { } next && next < _hashes.Count)
            throw Diverged(next, now, "ends too early");
    }

    private ViolationException Diverged(int at, long now, string how)
    {
        var line = _lines.FindLastIndex(l => l.At <= at);
        var shown = _lines
            .Skip(Math.Max(0, line - LinesBefore + 1))
            .Take(LinesBefore + LinesAfter)
            .Select(l => (l.At <= at ? "  " : "> ") + l.Text);
        return new ViolationException("SameSeedSameRun", string.Create(
            CultureInfo.InvariantCulture,
            $"the second run {how} after {at} of {_hashes.Count} events, at {now / 1e6} s. "
            + $"The first run, from > on events that the second did not repeat:\n{string.Join('\n', shown)}\nThe second run:"));
    }
}
