using CsCheck;

namespace Quorate.Raft.Tests.Properties;

/// <summary><see cref="RaftLog"/> and <see cref="TermRuns"/> against a list of all entries.</summary>
public sealed class RaftLogTests
{
    /// <summary>
    /// Operations on a log: 0–4 append in the last term, 5 append in a later term, 6 truncate, 7 became durable, 8 commit and release.
    /// </summary>
    private static readonly Gen<(int What, int Size)[]> Operations =
        Gen.Select(Gen.Int[0, 8], Gen.Int[0, 40], (kind, size) => (kind, size)).Array[1, 150];

    [Fact]
    public void A_log_matches_a_list_model_under_random_operations() => Operations.Sample(operations =>
    {
        var log = new RaftLog(EntryId.Zero, [], [], EntryId.Zero);
        var model = new List<LogEntry>();
        var durable = 0;
        var committed = 0;
        foreach (var (kind, size) in operations)
        {
            switch (kind)
            {
                case <= 5:
                    var term = (model.Count == 0 ? 1 : model[^1].Term.Value) + (kind == 5 ? 1UL : 0);
                    foreach (var entry in Given.Entries((ulong)model.Count + 1, [.. Enumerable.Repeat(term, size)]))
                    {
                        model.Add(entry);
                        log.Add(entry);
                    }

                    break;
                case 6 when model.Count > committed:
                    var from = committed + 1 + size % (model.Count - committed);
                    log.TruncateFrom(Given.At((ulong)from));
                    model.RemoveRange(from - 1, model.Count - from + 1);
                    durable = Math.Min(durable, model.Count);
                    break;
                case 7:
                    durable = Math.Max(durable, Math.Min(model.Count, durable + size));
                    log.BecameDurable(Given.At((ulong)durable));
                    break;
                case 8:
                    // A leader's commit index may be ahead of its own disk.
                    committed = Math.Min(model.Count, committed + size);
                    log.Release(Given.At((ulong)committed), size * 50);
                    break;
            }

            AssertSame(log, model, durable);
            Assert.True(log.CachedFirst <= Given.At((ulong)Math.Min(committed, durable) + 1), "TailIsCached");
        }
    });

    /// <summary>The limit itself is allowed: a cache of exactly that many bytes stays.</summary>
    [Fact]
    public void A_cache_is_reduced_to_its_limit_and_no_further()
    {
        var log = new RaftLog(EntryId.Zero, [], [], EntryId.Zero);
        foreach (var entry in Given.Entries(1, 1, 1, 1, 1))
            log.Add(entry);
        log.BecameDurable(Given.At(3));
        var entryBytes = log.CachedBytes / 4;

        log.Release(Given.At(4), 4 * entryBytes);
        Assert.Equal(Given.At(1), log.CachedFirst);
        log.Release(Given.At(4), (3 * entryBytes) + 1);
        Assert.Equal((Given.At(2), 3 * entryBytes), (log.CachedFirst, log.CachedBytes));
        log.Release(Given.At(2), 0);
        Assert.Equal(Given.At(3), log.CachedFirst);
        log.Release(Given.At(4), 0);
        Assert.Equal((Given.At(4), entryBytes), (log.CachedFirst, log.CachedBytes));
    }

    private static void AssertSame(RaftLog log, List<LogEntry> model, int durable)
    {
        Assert.Equal(model.Count == 0 ? EntryId.Zero : model[^1].Id, log.Last);
        Assert.Equal((ulong)durable, log.Durable.Value);
        Assert.Null(log.TermAt(log.LastIndex + 1));
        for (var i = 0; i < model.Count; i++)
        {
            var index = Given.At((ulong)i + 1);
            Assert.Equal(model[i].Term, log.TermAt(index));
            if (index >= log.CachedFirst)
                Assert.Equal(model[i], log.Cached(index));
        }

        long cached = 0;
        for (var i = (int)log.CachedFirst.Value - 1; i < model.Count; i++)
            cached += model[i].SizeBytes;
        Assert.Equal(cached, log.CachedBytes);

        for (ulong term = 0; term <= log.LastTerm.Value; term++)
        {
            var expected = model.LastOrDefault(e => e.Term.Value <= term && e.Index <= log.LastIndex - model.Count / 3);
            Assert.Equal(expected.Id, log.FindConflictByTerm(new Term(term), log.LastIndex - model.Count / 3));
        }
    }

    [Fact]
    public void An_inflight_window_counts_messages_and_bytes() => Gen.Select(Gen.Int[0, 3], Gen.Int[1, 50]).Array[1, 200].Sample(steps =>
    {
        var window = new InflightWindow(messagesMax: 5, bytesMax: 120);
        var model = new List<(ulong Last, long Bytes)>();
        ulong last = 0;
        foreach (var (kind, size) in steps)
        {
            if (kind <= 1)
            {
                last += (ulong)size;
                window.Add(Given.At(last), size);
                model.Add((last, size));
            }
            else if (kind == 2)
            {
                var match = last - Math.Min(last, (ulong)size);
                window.FreeUpTo(Given.At(match));
                model.RemoveAll(m => m.Last <= match);
            }
            else if (size > 45)
            {
                window.Clear();
                model.Clear();
            }

            Assert.Equal((model.Count, model.Sum(m => m.Bytes)), (window.Count, window.Bytes));
            Assert.Equal(model.Count >= 5 || model.Sum(m => m.Bytes) >= 120, window.IsFull);
        }
    });
}
