namespace Quorate.Verification.Simulation.Disk;

/// <summary>A misdirected write of a frame: the right place keeps its old content, and another place gets the frame.</summary>
/// <remarks>
/// The page cache still holds the right content, so the fault takes effect only after another frame was written and flushed after this one.
/// If it took effect before, the last frame would be missing, and no log can detect the loss of a frame to which nothing refers
/// (docs/formats/wal.md, "What cannot be detected").
/// </remarks>
internal sealed class PendingMisdirectedWrite(Prng prng)
{
    private string _name = "";
    private SimulatedFileContent? _content;
    private long _offset;
    private byte[] _before = [];
    private byte[] _written = [];

    /// <summary>True once another frame was written after the misdirected one.</summary>
    public bool IsFollowedByWrite { get; private set; }

    /// <summary>Chooses the first write to a log file as the misdirected one, and observes the write after it.</summary>
    public void OnWrite(string name, SimulatedFileContent content, long offset, ReadOnlySpan<byte> source)
    {
        if (!name.EndsWith(".log", StringComparison.Ordinal) || IsFollowedByWrite)
            return;
        if (_content is not null)
        {
            IsFollowedByWrite = true;
            return;
        }

        (_name, _content, _offset) = (name, content, offset);
        _before = content.Bytes.AsSpan((int)offset, source.Length).ToArray();
        _written = source.ToArray();
    }

    /// <summary>Moves the frame to a place before its own: at a later place, a later write would overwrite it.</summary>
    public void Apply(SortedDictionary<string, SimulatedFileContent> files)
    {
        _content!.OverwriteOnDisk(_offset, _before);
        var older = files
            .Where(f => string.CompareOrdinal(f.Key, _name) <= 0 && f.Value.Bytes.Length >= SimulatedFileContent.SectorBytes)
            .Select(static f => f.Value)
            .ToList();
        var target = older[prng.Next(0, older.Count)];
        var end = target == _content ? _offset : target.Bytes.Length;
        var position = SimulatedFileContent.SectorBytes * prng.Next(0, (int)(end / SimulatedFileContent.SectorBytes));
        target.OverwriteOnDisk(position, _written.AsSpan(0, (int)Math.Min(_written.Length, end - position)));
    }
}
