namespace Quorate.Verification.Simulation.Disk;

/// <summary>A write of a frame that the disk puts somewhere else: the right place keeps what it held, another place gets what was meant for this one.</summary>
/// <remarks>
/// The system's cache shows the right thing until long after, so it comes to light only once another frame was written and flushed behind it. Before
/// that the disk would have lost the very last frame, and no log can know of a frame that nothing refers to (docs/formats/wal.md, "What cannot be seen").
/// </remarks>
internal sealed class PendingMisdirectedWrite(Prng prng)
{
    private string _name = "";
    private FileContent? _content;
    private long _offset;
    private byte[] _before = [];
    private byte[] _written = [];

    /// <summary>Another frame stands behind it.</summary>
    public bool IsFollowedByWrite { get; private set; }

    /// <summary>Something is about to be written.</summary>
    public void OnWrite(string name, FileContent content, long offset, ReadOnlySpan<byte> source)
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

    /// <summary>It comes to light. Where it lands is older than itself: what is younger was written over it.</summary>
    public void Apply(SortedDictionary<string, FileContent> files)
    {
        _content!.OverwriteOnDisk(_offset, _before);
        var older = files.Where(f => string.CompareOrdinal(f.Key, _name) <= 0 && f.Value.Bytes.Length >= FileContent.SectorBytes).Select(static f => f.Value).ToList();
        var target = older[prng.Next(0, older.Count)];
        var end = target == _content ? _offset : target.Bytes.Length;
        var position = FileContent.SectorBytes * prng.Next(0, (int)(end / FileContent.SectorBytes));
        target.OverwriteOnDisk(position, _written.AsSpan(0, (int)Math.Min(_written.Length, end - position)));
    }
}
