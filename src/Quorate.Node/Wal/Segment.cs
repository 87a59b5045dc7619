using System.Buffers;
using System.Globalization;
using Quorate.Node.Io;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>One file of the log, and where in it the entries lie that count: four bytes an entry.</summary>
internal sealed class Segment : IDisposable
{
    private const string Prefix = "wal-";
    private const string Suffix = ".log";
    private uint[] _places = [];

    public Segment(IDiskFile file, SegmentHeader header)
    {
        File = file;
        Header = header;
        Tail = SegmentHeader.Bytes;
    }

    public IDiskFile File { get; }

    public SegmentHeader Header { get; }

    public string Name => File.Name;

    public ulong Sequence => Header.Sequence;

    public ulong Nonce => Header.Nonce;

    /// <summary>Where the next frame goes.</summary>
    public long Tail { get; set; }

    /// <summary>Index of the first entry here that counts.</summary>
    public LogIndex First { get; private set; }

    /// <summary>How many entries here count; they are contiguous.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes that are left for frames.</summary>
    public long Room => Header.FileBytes - Tail;

    public static string NameOf(ulong sequence) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{sequence:d16}{Suffix}");

    /// <summary>The sequence a file name stands for; false for a file that is no segment.</summary>
    public static bool TryParseName(string name, out ulong sequence)
    {
        sequence = 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal) &&
            ulong.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out sequence) &&
            name == NameOf(sequence);
    }

    public bool Holds(LogIndex index) => Count > 0 && index >= First && index < First + Count;

    /// <summary>Where the record of an entry begins, bytes.</summary>
    public long PlaceOf(LogIndex index) => 8L * _places[(int)(index - First)];

    /// <summary>The entry after those that are here lies at <paramref name="offset"/>.</summary>
    public void Add(LogIndex index, long offset)
    {
        if (Count == 0)
            First = index;
        if (Count == _places.Length)
            Grow();
        _places[Count++] = (uint)(offset / 8);
    }

    /// <summary>Entries from <paramref name="index"/> on no longer count.</summary>
    public void CutFrom(LogIndex index) => Count = index <= First ? 0 : (int)Math.Min(Count, index - First);

    public void Dispose()
    {
        if (_places.Length > 0)
            ArrayPool<uint>.Shared.Return(_places);
        _places = [];
        Count = 0;
        File.Dispose();
    }

    private void Grow()
    {
        var larger = ArrayPool<uint>.Shared.Rent(Math.Max(64, 2 * _places.Length));
        _places.AsSpan(0, Count).CopyTo(larger);
        if (_places.Length > 0)
            ArrayPool<uint>.Shared.Return(_places);
        _places = larger;
    }
}
