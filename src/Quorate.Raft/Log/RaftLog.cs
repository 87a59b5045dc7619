namespace Quorate.Raft;

/// <summary>The core's view of the log: the terms of all entries, and in memory the entries that are likely to be needed soon.</summary>
/// <remarks>
/// Shape: <c>compacted ≤ durable ≤ last</c> and <c>compacted &lt; cached first ≤ min(commit, durable) + 1</c>; diagram in
/// docs/protocol/replication.md. Entries that are not yet durable or not yet committed are always cached (TailIsCached). An entry below the
/// cache must be loaded from the disk, for a follower or a state machine that lags behind. Of the compacted entries only the term of the
/// last one is known.
/// </remarks>
internal sealed class RaftLog
{
    private readonly TermRuns _terms;
    private LogEntry[] _cache;
    private int _cacheStart;
    private int _cacheCount;
    private long _cacheBytes;

    /// <summary>Creates a log that begins after <paramref name="compacted"/>.</summary>
    /// <param name="compacted">The last entry that is no longer in the log; zero when the log is complete.</param>
    /// <param name="termStarts">The first entry of every term between the start of the log and the tail, in order.</param>
    /// <param name="tail">The entries to hold in memory, contiguous up to the end of the log.</param>
    /// <param name="last">The last entry on disk.</param>
    public RaftLog(EntryId compacted, IReadOnlyList<EntryId> termStarts, IReadOnlyList<LogEntry> tail, EntryId last)
    {
        Compacted = compacted;
        _cache = new LogEntry[64];
        _terms = new TermRuns();
        _terms.Append(compacted);
        foreach (var start in termStarts)
            _terms.Append(start);

        LastIndex = last.Index - tail.Count;
        CachedFirst = LastIndex + 1;
        foreach (var entry in tail)
            Add(entry);

        Invariant.That(LastIndex == last.Index && LastTerm == last.Term, "the tail ends with the last entry on disk");
        Durable = last.Index;
    }

    private RaftLog(RaftLog other)
    {
        // Space for the entries one step adds; most clones are discarded after one step.
        _cache = new LogEntry[other._cacheCount + 4];
        Array.Copy(other._cache, other._cacheStart, _cache, 0, other._cacheCount);
        _cacheCount = other._cacheCount;
        _cacheBytes = other._cacheBytes;
        _terms = other._terms.Clone();
        Compacted = other.Compacted;
        CachedFirst = other.CachedFirst;
        LastIndex = other.LastIndex;
        Durable = other.Durable;
    }

    /// <summary>The last entry that is no longer in the log, because a snapshot covers it; zero when the log is complete.</summary>
    public EntryId Compacted { get; private set; }

    /// <summary>The first index whose entry is in memory; one past the end when none is.</summary>
    public LogIndex CachedFirst { get; private set; }

    /// <summary>The last index of the log.</summary>
    public LogIndex LastIndex { get; private set; }

    /// <summary>The term of the last entry.</summary>
    public Term LastTerm => _terms.At(LastIndex);

    /// <summary>The last entry.</summary>
    public EntryId Last => new(LastTerm, LastIndex);

    /// <summary>The last index that is on this node's disk.</summary>
    public LogIndex Durable { get; private set; }

    /// <summary>Bytes of the entries in memory.</summary>
    public long CachedBytes => _cacheBytes;

    /// <summary>The first entry of every known term of the log.</summary>
    public IReadOnlyList<EntryId> TermStarts => _terms.Starts;

    /// <summary>Returns the term at <paramref name="index"/>, or null where the log has no entry or no longer holds it.</summary>
    public Term? TermAt(LogIndex index) => index < Compacted.Index || index > LastIndex ? null : _terms.At(index);

    /// <summary>
    /// Returns the first index of the run of entries of one term that contains <paramref name="index"/>; never before the last compacted
    /// entry.
    /// </summary>
    public LogIndex RunStart(LogIndex index) => _terms.StartOf(index);

    /// <summary>Whether this log contains exactly that entry.</summary>
    public bool Has(EntryId id) => TermAt(id.Index) == id.Term;

    /// <summary>
    /// Returns the last entry at or before <paramref name="index"/> whose term is at most <paramref name="term"/>: the last position at
    /// which two logs may agree.
    /// </summary>
    public EntryId FindConflictByTerm(Term term, LogIndex index)
    {
        index = _terms.LastWithTermAtMost(term, LogIndex.Min(index, LastIndex));
        return index < Compacted.Index ? EntryId.Zero : new EntryId(_terms.At(index), index);
    }

    /// <summary>Appends an entry.</summary>
    public void Add(in LogEntry entry)
    {
        Invariant.That(entry.Index == LastIndex + 1, "the log is contiguous");
        _terms.Append(entry.Id);
        if (_cacheStart + _cacheCount == _cache.Length)
            GrowCache();
        _cache[_cacheStart + _cacheCount++] = entry;
        _cacheBytes += entry.SizeBytes;
        LastIndex = entry.Index;
    }

    /// <summary>Removes the entry at <paramref name="index"/> and all after it.</summary>
    public void TruncateFrom(LogIndex index)
    {
        Invariant.That(index > Compacted.Index && index <= LastIndex);
        Invariant.That(index >= CachedFirst, "only uncommitted entries are truncated, and those are always cached");

        // An encoder may still read views of the old entries, so the old array stays unchanged and a new one is allocated.
        var keep = (int)(index - CachedFirst);
        var kept = new LogEntry[Math.Max(64, keep * 2)];
        Array.Copy(_cache, _cacheStart, kept, 0, keep);
        for (var i = keep; i < _cacheCount; i++)
            _cacheBytes -= _cache[_cacheStart + i].SizeBytes;
        _cache = kept;
        _cacheStart = 0;
        _cacheCount = keep;

        _terms.TruncateFrom(index);
        LastIndex = index - 1;
        Durable = LogIndex.Min(Durable, LastIndex);
    }

    /// <summary>Removes the entries up to <paramref name="index"/>, which are on disk and in a durable snapshot.</summary>
    /// <remarks>Called in a step that creates no view.</remarks>
    public void CompactTo(LogIndex index)
    {
        Invariant.That(index > Compacted.Index && index <= Durable, "only durable entries are compacted");
        while (CachedFirst <= index && _cacheCount > 0)
            EvictOldest();
        CachedFirst = LogIndex.Max(CachedFirst, index + 1);
        Compacted = new EntryId(_terms.At(index), index);
        _terms.DropBefore(index);
    }

    /// <summary>Replaces all entries by a durable snapshot whose last entry is <paramref name="last"/>.</summary>
    public void ResetTo(EntryId last)
    {
        // An encoder may still read views of the old entries, so the old array stays unchanged and a new one is allocated.
        _cache = new LogEntry[64];
        (_cacheStart, _cacheCount, _cacheBytes) = (0, 0, 0);
        _terms.TruncateFrom(LogIndex.Zero);
        _terms.Append(last);
        Compacted = last;
        CachedFirst = last.Index + 1;
        LastIndex = Durable = last.Index;
    }

    /// <summary>Records that everything up to <paramref name="index"/> is on disk.</summary>
    public void BecameDurable(LogIndex index)
    {
        Invariant.That(index <= LastIndex);
        Durable = LogIndex.Max(Durable, index);
    }

    /// <summary>Returns one entry that is in memory.</summary>
    public ref readonly LogEntry Cached(LogIndex index)
    {
        Invariant.That(index >= CachedFirst && index <= LastIndex);
        return ref _cache[_cacheStart + (int)(index - CachedFirst)];
    }

    /// <summary>Returns the cached entries of <c>[from, to]</c> as a view that is valid until the next step.</summary>
    public ReadOnlyMemory<LogEntry> View(LogIndex from, LogIndex to)
    {
        Invariant.That(from >= CachedFirst && to <= LastIndex);
        return from > to ? default : _cache.AsMemory(_cacheStart + (int)(from - CachedFirst), (int)(to - from) + 1);
    }

    /// <summary>
    /// Returns cached entries of <c>[from, last]</c>, at most <paramref name="bytesMax"/> bytes but at least one entry, as a view.
    /// </summary>
    public ReadOnlyMemory<LogEntry> ViewUpTo(LogIndex from, LogIndex last, long bytesMax, out long bytes)
    {
        bytes = 0;
        if (from > last)
            return default;

        var to = from;
        bytes = Cached(from).SizeBytes;
        while (to < last && bytes + Cached(to + 1).SizeBytes <= bytesMax)
        {
            to += 1;
            bytes += Cached(to).SizeBytes;
        }

        return View(from, to);
    }

    /// <summary>
    /// Evicts the oldest entries from memory, none after <paramref name="upTo"/>, until at most <paramref name="bytesMax"/> bytes are
    /// cached.
    /// </summary>
    /// <remarks>Called before a step creates any view.</remarks>
    public void Release(LogIndex upTo, long bytesMax)
    {
        upTo = LogIndex.Min(upTo, Durable);
        while (_cacheCount > 0 && CachedFirst <= upTo && _cacheBytes > bytesMax)
            EvictOldest();

        // Compact once the free space at the front is as large as the cached entries: each entry is moved at most once per evicted entry.
        if (_cacheStart >= 32 && _cacheStart >= _cacheCount)
        {
            Array.Copy(_cache, _cacheStart, _cache, 0, _cacheCount);
            Array.Clear(_cache, _cacheStart, _cacheCount);
            _cacheStart = 0;
        }
    }

    /// <summary>Returns an independent copy.</summary>
    public RaftLog Clone() => new(this);

    /// <summary>
    /// Writes every entry: cached ones completely, except that a command's bytes are represented by its proposal id; entries on disk by
    /// their terms alone.
    /// </summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number(Compacted.Index.Value);
        state.Number(Compacted.Term.Value);
        state.Number(CachedFirst.Value);
        state.Number(LastIndex.Value);
        state.Number(Durable.Value);
        for (var index = Compacted.Index + 1; index <= LastIndex; index += 1)
        {
            state.Number(_terms.At(index).Value);
            if (index < CachedFirst)
                continue;
            ref readonly var entry = ref Cached(index);
            state.Number((ulong)entry.Kind);
            state.Node(entry.Proposal.Origin);
            state.Number(entry.Proposal.Sequence);
            state.Number((ulong)entry.Payload.Length);
            if (entry.Kind != EntryKind.Command)
                state.Bytes(entry.Payload.Span);
        }
    }

    private void EvictOldest()
    {
        _cacheBytes -= _cache[_cacheStart].SizeBytes;
        _cache[_cacheStart] = default;
        _cacheStart++;
        _cacheCount--;
        CachedFirst += 1;
    }

    private void GrowCache()
    {
        // Views of this step may refer to the old array, so it stays unchanged.
        var larger = new LogEntry[Math.Max(64, _cacheCount * 2)];
        Array.Copy(_cache, _cacheStart, larger, 0, _cacheCount);
        _cache = larger;
        _cacheStart = 0;
    }
}
