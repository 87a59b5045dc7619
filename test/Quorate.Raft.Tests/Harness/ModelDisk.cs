namespace Quorate.Raft.Tests;

/// <summary>
/// Models a disk as the core's contract sees it: appends complete in order, when the test calls <see cref="Flush"/>; a crash loses the
/// others.
/// </summary>
internal sealed class ModelDisk
{
    private readonly Queue<(AppendEffect Append, LogEntry[] Entries)> _pending = new();
    private readonly List<LogEntry> _entries = [];

    public HardState HardState { get; set; }

    /// <summary>The highest commit index that was written.</summary>
    public LogIndex Commit { get; private set; }

    /// <summary>The durable log; the first entry is at index 1.</summary>
    public List<LogEntry> Entries => _entries;

    public int Pending => _pending.Count;

    public EntryId Last => _entries.Count == 0 ? EntryId.Zero : _entries[^1].Id;

    /// <summary>Sets the state that an earlier process has left: entries of these terms, from index 1 on.</summary>
    public void Preload(HardState state, ReadOnlySpan<ulong> terms, LogIndex commit)
    {
        HardState = state;
        Commit = commit;
        foreach (var entry in Given.Entries(1, terms))
            _entries.Add(entry);
    }

    public void Submit(in AppendEffect append) => _pending.Enqueue((append, append.Entries.ToArray()));

    /// <summary>Makes the next <paramref name="count"/> appends durable; returns the token of the last one, or 0.</summary>
    public ulong Flush(int count)
    {
        ulong token = 0;
        for (; count > 0 && _pending.TryDequeue(out var next); count--)
        {
            if (next.Append.HardState is { } state)
            {
                Assert.True(state.Term >= HardState.Term, "the term on disk never decreases");
                HardState = state;
            }

            if (next.Entries.Length > 0)
            {
                var at = (int)(next.Entries[0].Index.Value - 1);
                Assert.True(at <= _entries.Count, "the log on disk has no gap");
                _entries.RemoveRange(at, _entries.Count - at);
                _entries.AddRange(next.Entries);
            }

            Commit = LogIndex.Max(Commit, next.Append.Commit);
            Assert.True(next.Append.Token > token);
            token = next.Append.Token;
        }

        return token;
    }

    /// <summary>
    /// Cuts the power: the first <paramref name="written"/> appends are durable, although no completion was reported; the others are lost.
    /// </summary>
    public void Crash(int written)
    {
        Flush(written);
        _pending.Clear();
    }

    public LogEntry[] Read(LoadEntriesRequest request)
    {
        var entries = new List<LogEntry>();
        var bytes = 0;
        for (var index = request.From; index <= request.To; index += 1)
        {
            var entry = _entries[(int)(index.Value - 1)];
            bytes += entry.SizeBytes;
            if (entries.Count > 0 && bytes > request.MaxBytes)
                break;
            entries.Add(entry);
        }

        return [.. entries];
    }

    /// <summary>Returns the state that a node recovers at its start.</summary>
    /// <param name="configuration">The members.</param>
    /// <param name="cached">The number of entries before the commit index that the driver loads into memory.</param>
    public DurableState Restore(Configuration configuration, int cached)
    {
        var commit = LogIndex.Min(Commit, Last.Index);
        var tailAt = Math.Max(0, (int)commit.Value - cached);
        var starts = new List<EntryId>();
        foreach (var entry in _entries.Take(tailAt))
        {
            if (starts.Count == 0 || starts[^1].Term != entry.Term)
                starts.Add(entry.Id);
        }

        return new DurableState
        {
            Configuration = configuration,
            HardState = HardState,
            Commit = commit,
            Last = Last,
            TermStarts = starts,
            Tail = [.. _entries.Skip(tailAt)],
            Configurations =
            [
                .. _entries.Where(static entry => entry.Kind == EntryKind.Configuration)
                    .Select(static entry => new ConfigurationAt(entry.Index, ConfigurationCodec.Decode(entry))),
            ],
        };
    }
}
