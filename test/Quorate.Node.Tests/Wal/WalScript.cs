using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>A slow, obvious model of the contents of a log.</summary>
internal sealed record WalModel(ulong First, LogEntry[] Entries, HardState HardState)
{
    public static WalModel Empty => new(1, [], default);

    public ulong Last => First + (ulong)Entries.Length - 1;

    /// <summary>Returns the log with these entries appended, the first of which may replace an existing one.</summary>
    public WalModel With(IEnumerable<LogEntry> entries) => entries.Aggregate(
        this, static (log, entry) => log with { Entries = [.. log.Entries.Take((int)(entry.Index.Value - log.First)), entry] });

    /// <summary>Returns the log from an index on.</summary>
    public WalModel From(ulong first) => this with { First = first, Entries = [.. Entries.Skip((int)(first - First))] };
}

/// <summary>A script of every operation on a log in small segments, and what the log may contain after each step.</summary>
internal sealed class WalScript(MemoryStorage storage, WalOptions options)
{
    /// <summary>What the log reported as durable.</summary>
    public WalModel Acknowledged { get; private set; } = WalModel.Empty;

    /// <summary>What the current step may leave instead, if power is lost during it.</summary>
    public List<WalModel> Possible { get; } = [];

    /// <summary>The first index that the log may start at: it removes whole segments only.</summary>
    public ulong FirstAtMost { get; private set; } = 1;

    /// <summary>Runs to the end, or until the storage throws.</summary>
    public void Run()
    {
        using var log = Given.OpenLog(storage, options).Log;
        AppendAndFlush(log, Given.Vote(1, 2), 0, Given.Entries(1, 3));
        AppendAndFlush(log, Given.Vote(1, 2), 3, Given.Entries(4, 4, payloadBytes: 4096));
        AppendAndFlush(log, Given.Vote(2, 0), 4, Given.Entries(5, 9, term: 2, payloadBytes: 700));
        AppendAndFlush(log, Given.Vote(3, 1), 5, Given.Entries(7, 8, term: 3)); // replaces 7 to 9
        AppendAndFlush(log, Given.Vote(3, 1), 6, Given.Entries(9, 24, term: 3, payloadBytes: 1500)); // several frames, and a new segment
        AppendAndFlush(log, Given.Vote(4, 1), 6, []);
        AppendAndFlush(log, Given.Vote(4, 1), 10, Given.Entries(12, 12, term: 4, payloadBytes: 0)); // back into the segment before
        for (ulong index = 13; index <= 30; index++)
            AppendAndFlush(log, Given.Vote(4, 1), index - 1, [Given.Entry(index, term: 4, payloadBytes: 1100)]);
        Drop(log, 28);
        AppendAndFlush(log, Given.Vote(4, 1), 30, Given.Entries(31, 33, term: 4));
        ResetTo(log, 50);
        AppendAndFlush(log, Given.Vote(5, 1), 49, Given.Entries(50, 56, term: 5, payloadBytes: 300));
    }

    /// <summary>Whether a reopened log holds one of the states that it may hold now.</summary>
    public bool Allows(WalModel found) =>
        Possible.Prepend(Acknowledged).Any(allowed =>
            found.HardState == allowed.HardState && found.First >= allowed.First && found.First <= Math.Max(allowed.First, FirstAtMost) &&
            found.Last == allowed.Last && SameEntries(found, allowed.From(found.First)));

    private static bool SameEntries(WalModel found, WalModel allowed) => found.Entries.Zip(allowed.Entries).All(static pair =>
        pair.First.Id == pair.Second.Id && pair.First.Kind == pair.Second.Kind && pair.First.Proposal == pair.Second.Proposal &&
        pair.First.Payload.Span.SequenceEqual(pair.Second.Payload.Span));

    private void AppendAndFlush(WriteAheadLog log, HardState state, ulong commit, LogEntry[] entries)
    {
        var batch = Given.Batch(options, entries);
        batch.SetHardState(state);
        batch.SetCommitIndex(new LogIndex(commit));

        // Term and vote become durable first, then frame after frame, each completely or not at all.
        var model = Acknowledged with { HardState = state };
        Possible.Add(model);
        var at = 0;
        foreach (var frame in batch.Frames)
        {
            model = model.With(entries[at..(at + frame.Records)]);
            Possible.Add(model);
            at += frame.Records;
        }

        log.AppendAndFlush(batch);
        Acknowledge(model);
    }

    private void Drop(WriteAheadLog log, ulong first)
    {
        FirstAtMost = first;
        log.DropBefore(new LogIndex(first));
        Assert.InRange(log.FirstIndex.Value, 2ul, first);
        FirstAtMost = log.FirstIndex.Value;
        Acknowledge(Acknowledged.From(log.FirstIndex.Value));
    }

    private void ResetTo(WriteAheadLog log, ulong first)
    {
        var model = Acknowledged with { First = first, Entries = [] };
        Possible.Add(model);
        log.ResetTo(new LogIndex(first));
        FirstAtMost = first;
        Acknowledge(model);
    }

    private void Acknowledge(WalModel model)
    {
        Acknowledged = model;
        Possible.Clear();
    }
}
