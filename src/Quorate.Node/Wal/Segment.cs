using System.Buffers;
using System.Globalization;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>One segment file of the log, with the offsets of its current entries: four bytes per entry.</summary>
internal sealed class Segment : IDisposable
{
    private const string Prefix = "wal-";
    private const string Suffix = ".log";
    private uint[] _offsets = [];

    public Segment(IStorageFile file, SegmentHeader header)
    {
        File = file;
        Header = header;
        Tail = SegmentHeader.Bytes;
    }

    public IStorageFile File { get; }

    public SegmentHeader Header { get; }

    public string Name => File.Name;

    public ulong Sequence => Header.Sequence;

    public ulong Nonce => Header.Nonce;

    /// <summary>The offset of the next frame.</summary>
    public long Tail { get; set; }

    /// <summary>The index of the first current entry in this segment.</summary>
    public LogIndex First { get; private set; }

    /// <summary>The number of current entries in this segment; they are contiguous.</summary>
    public int Count { get; private set; }

    /// <summary>The bytes left for frames.</summary>
    public long FreeBytes => Header.FileBytes - Tail;

    public static string NameOf(ulong sequence) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{sequence:d16}{Suffix}");

    /// <summary>Parses the sequence number in a file name; returns false if the file is not a segment.</summary>
    public static bool TryParseName(string name, out ulong sequence)
    {
        sequence = 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal) &&
            ulong.TryParse(
                name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length),
                NumberStyles.None, CultureInfo.InvariantCulture, out sequence) &&
            name == NameOf(sequence);
    }

    public bool Contains(LogIndex index) => Count > 0 && index >= First && index < First + Count;

    /// <summary>The offset of an entry's record, bytes.</summary>
    public long OffsetOf(LogIndex index) => 8L * _offsets[(int)(index - First)];

    /// <summary>Adds the entry after the last one, at <paramref name="offset"/>.</summary>
    public void Add(LogIndex index, long offset)
    {
        if (Count == 0)
            First = index;
        if (Count == _offsets.Length)
            Grow();
        _offsets[Count++] = (uint)(offset / 8);
    }

    /// <summary>Removes the entries from <paramref name="index"/> on.</summary>
    public void TruncateFrom(LogIndex index) => Count = index <= First ? 0 : (int)Math.Min(Count, index - First);

    public void Dispose()
    {
        if (_offsets.Length > 0)
            ArrayPool<uint>.Shared.Return(_offsets);
        _offsets = [];
        Count = 0;
        File.Dispose();
    }

    private void Grow()
    {
        var larger = ArrayPool<uint>.Shared.Rent(Math.Max(64, 2 * _offsets.Length));
        _offsets.AsSpan(0, Count).CopyTo(larger);
        if (_offsets.Length > 0)
            ArrayPool<uint>.Shared.Return(_offsets);
        _offsets = larger;
    }
}
