using System.Globalization;
using System.Text;

namespace Quorate.Verification;

/// <summary>What a run did, hash by hash. A second run of the seed is held against it, and stopped at the first thing that it does otherwise.</summary>
/// <remarks>
/// Both may run in one process; but what hangs on the order of a hash table does the same there, because all of a process's hashes have one secret. So a record can be written down in
/// one process and read in another.
/// </remarks>
public sealed class DeterminismRecord
{
    /// <summary>So many lines of the first run are shown around the place.</summary>
    private const int LinesBefore = 4;
    private const int LinesAfter = 4;

    private readonly List<ulong> _hashes = [];
    private readonly List<(int At, string Text)> _lines = [];
    private int? _next;

    /// <summary>Whether what happens is compared, and no longer taken down.</summary>
    public bool IsSecondRun => _next is not null;

    /// <summary>What another process has written, for a second run to be held against.</summary>
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

    /// <summary>Writes down what the first run did.</summary>
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

    /// <summary>What comes from here on is compared.</summary>
    public void StartSecondRun() => _next = 0;

    /// <summary>Something happened.</summary>
    internal void OnEvent(ulong hash, long now)
    {
        if (_next is not { } next)
            _hashes.Add(hash);
        else if (next == _hashes.Count || _hashes[next] != hash)
            throw Diverged(next, now, next == _hashes.Count ? "does more" : "does something else");
        else
            _next = next + 1;
    }

    /// <summary>A line was told.</summary>
    internal void OnLine(Func<string> line)
    {
        if (_next is null)
            _lines.Add((_hashes.Count, line()));
    }

    /// <summary>The second run is over.</summary>
    internal void FinishSecondRun(long now)
    {
        if (_next is { } next && next < _hashes.Count)
            throw Diverged(next, now, "ends too early");
    }

    private ViolationException Diverged(int at, long now, string how)
    {
        var line = _lines.FindLastIndex(l => l.At <= at);
        var shown = _lines.Skip(Math.Max(0, line - LinesBefore + 1)).Take(LinesBefore + LinesAfter).Select(l => (l.At <= at ? "  " : "> ") + l.Text);
        return new ViolationException("SameSeedSameRun", string.Create(
            CultureInfo.InvariantCulture,
            $"the second run {how} after {at} of {_hashes.Count} things, at {now / 1e6} s. The first did, from > on, what this one did not:\n{string.Join('\n', shown)}\nThis one:"));
    }
}
