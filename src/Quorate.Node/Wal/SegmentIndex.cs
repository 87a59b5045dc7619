using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Which entries the log holds, and in which segment each lies.</summary>
/// <remarks><c>First ≤ every entry that counts ≤ Last</c>; an empty log has <c>Last = First - 1</c>.</remarks>
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

    /// <summary>Entry <paramref name="index"/> was written to the current segment; it replaces what was there and behind.</summary>
    public void Add(LogIndex index, long offset)
    {
        if (index <= Last)
            TruncateFrom(index);
        Current.Add(index, offset);
        Last = index;
    }

    /// <summary>Nothing that was written so far counts; the next entry is <paramref name="first"/>.</summary>
    public void ResetTo(LogIndex first)
    {
        foreach (var segment in _segments)
            segment.TruncateFrom(LogIndex.Zero);
        First = first;
        Last = first - 1;
    }

    /// <summary>The log begins at <paramref name="first"/>, which is in it or the one after its last entry.</summary>
    public void SetFirst(LogIndex first) => First = first;

    /// <summary>The segment that holds an entry of the log.</summary>
    public Segment SegmentOf(LogIndex index)
    {
        // From the end: what is read most is what was written last.
        for (var i = _segments.Count - 1; i >= 0; i--)
        {
            if (_segments[i].Contains(index))
                return _segments[i];
        }

        throw new InvalidOperationException($"entry {index} is in no segment, though the log holds {First} to {Last}");
    }

    /// <summary>How many of the oldest segments hold no entry at or after <paramref name="first"/>. The current one is not counted.</summary>
    public int SegmentsBefore(LogIndex first)
    {
        var count = 0;
        while (count < _segments.Count - 1 && (_segments[count].Count == 0 || _segments[count].First + _segments[count].Count <= first))
            count++;
        return count;
    }

    /// <summary>The first entry that is left when the oldest <paramref name="count"/> segments go.</summary>
    public LogIndex FirstAfter(int count)
    {
        for (var i = count; i < _segments.Count; i++)
        {
            if (_segments[i].Count > 0)
                return _segments[i].First;
        }

        return Last + 1;
    }

    /// <summary>Forgets the oldest segment and hands it over.</summary>
    public Segment RemoveOldest()
    {
        var oldest = _segments[0];
        _segments.RemoveAt(0);
        return oldest;
    }

    /// <summary>Forgets the newest segment and hands it over.</summary>
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
