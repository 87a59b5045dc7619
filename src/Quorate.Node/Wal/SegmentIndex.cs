using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Maps each entry of the log to the segment that contains it.</summary>
/// <remarks><c>First ≤ every entry of the log ≤ Last</c>; an empty log has <c>Last = First - 1</c>.</remarks>
internal sealed class SegmentIndex
{
    private readonly List<Segment> _segments = [];

    /// <summary>The segments, oldest first.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>The segment that frames are appended to.</summary>
    public Segment Current => _segments[^1];

    /// <summary>The index at which the log begins.</summary>
    public LogIndex First { get; private set; } = new(1);

    /// <summary>The index at which the log ends.</summary>
    public LogIndex Last { get; private set; }

    public void AddSegment(Segment segment) => _segments.Add(segment);

    /// <summary>
    /// Adds entry <paramref name="index"/>, which was written to the current segment; it replaces the entries from that index on.
    /// </summary>
    public void Add(LogIndex index, long offset)
    {
        if (index <= Last)
            TruncateFrom(index);
        Current.Add(index, offset);
        Last = index;
    }

    /// <summary>Removes all entries; the next entry is <paramref name="first"/>.</summary>
    public void ResetTo(LogIndex first)
    {
        foreach (var segment in _segments)
            segment.TruncateFrom(LogIndex.Zero);
        First = first;
        Last = first - 1;
    }

    /// <summary>Sets the start of the log to <paramref name="first"/>, which is an entry of the log or the one after its last.</summary>
    public void SetFirst(LogIndex first) => First = first;

    /// <summary>Returns the segment that contains an entry of the log.</summary>
    public Segment SegmentOf(LogIndex index)
    {
        // From the end: the entries written last are read most.
        for (var i = _segments.Count - 1; i >= 0; i--)
        {
            if (_segments[i].Contains(index))
                return _segments[i];
        }

        throw Invariant.Unreachable($"each entry from {First} to {Last} is in a segment; entry {index} is in none");
    }

    /// <summary>
    /// Counts the oldest segments that contain no entry at or after <paramref name="first"/>. The current segment is not counted.
    /// </summary>
    public int SegmentsBefore(LogIndex first)
    {
        var count = 0;
        while (count < _segments.Count - 1 && (_segments[count].Count == 0 || _segments[count].First + _segments[count].Count <= first))
            count++;
        return count;
    }

    /// <summary>Returns the first entry that remains when the oldest <paramref name="count"/> segments are removed.</summary>
    public LogIndex FirstAfter(int count)
    {
        for (var i = count; i < _segments.Count; i++)
        {
            if (_segments[i].Count > 0)
                return _segments[i].First;
        }

        return Last + 1;
    }

    /// <summary>Removes the oldest segment and returns it.</summary>
    public Segment RemoveOldest()
    {
        var oldest = _segments[0];
        _segments.RemoveAt(0);
        return oldest;
    }

    /// <summary>Removes the newest segment and returns it.</summary>
    public Segment RemoveNewest()
    {
        var newest = _segments[^1];
        _segments.RemoveAt(_segments.Count - 1);
        return newest;
    }

    private void TruncateFrom(LogIndex index)
    {
        for (var i = _segments.Count - 1; i >= 0 && (_segments[i].Count == 0 || _segments[i].First + _segments[i].Count > index); i--)
            _segments[i].TruncateFrom(index);
    }
}
