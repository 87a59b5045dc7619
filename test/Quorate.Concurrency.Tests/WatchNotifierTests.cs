using System.Buffers;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Watching;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="WatchNotifier"/> and <see cref="ReadyWatchers"/>: the order in which a watch stream uses them misses no event.
/// </summary>
public sealed class WatchNotifierTests
{
    private const long LastRevision = 4;

    // Revision 2 changes a, 3 changes b, 4 changes both.
    private static readonly KvSnapshot[] Snapshots = CreateSnapshots();

    [Fact]
    public void A_stream_receives_every_event_once_and_before_the_progress_that_covers_it() => CoyoteTestRunner.Explore(300, async () =>
    {
        var current = Snapshots[0];
        var notifier = new WatchNotifier(current);
        var streams = new[] { Task.Run(() => StreamAsync("a"u8.ToArray())), Task.Run(() => StreamAsync("b"u8.ToArray())) };

        foreach (var next in Snapshots[1..])
        {
            Volatile.Write(ref current, next);
            notifier.Notify(next);
        }

        await Task.WhenAll(streams);

        async Task StreamAsync(byte[] key)
        {
            var ready = new ReadyWatchers();
            var first = Volatile.Read(ref current).Revision + 1;
            var watcher = new Watcher(0, new WatchEventRequest(KeyInterval.Single(key)), first, ready) { IsBehind = true };
            notifier.Add(watcher);
            List<Watcher> behind = [watcher];
            var received = new List<long>();
            for (var turn = 1; ; turn++)
            {
                var notified = notifier.NotifiedRevision;
                ready.Take(behind);
                received.AddRange(ReadEvents(behind, Volatile.Read(ref current)));

                Assert.Equal(ExpectedEvents(key, first, notified), received.Where(revision => revision <= notified));
                if (watcher.NextRevision > LastRevision)
                    break;

                // Every other turn is one without an event, as after a request of the client.
                if (turn % 2 == 0)
                    await ready.WaitAsync();
            }

            Assert.Equal(ExpectedEvents(key, first, LastRevision), received);
        }
    });

    [Fact]
    public void A_watcher_that_is_canceled_during_a_notification_leaves_neither_index_nor_queue_in_disorder() =>
        CoyoteTestRunner.Explore(300, async () =>
        {
            var notifier = new WatchNotifier(Snapshots[0]);
            var ready = new ReadyWatchers();
            var all = new WatchEventRequest(KeyInterval.All);
            var (kept, canceled) = (new Watcher(0, all, 2, ready), new Watcher(1, all, 2, ready));
            notifier.Add(kept);
            notifier.Add(canceled);
            var notifying = Task.Run(() =>
            {
                foreach (var next in Snapshots[1..])
                    notifier.Notify(next);
            });

            var behind = new List<Watcher>();
            ready.Take(behind);
            notifier.Remove(canceled);
            canceled.IsCanceled = true;
            await notifying;
            ready.Take(behind);

            Assert.Contains(kept, behind);
            Assert.Equal(2, kept.NextRevision);
            Assert.Equal(behind.Count, behind.Distinct().Count());
            Assert.Equal(1, notifier.Count);
        });

    /// <summary>Does what the stream does: reads each watcher's events; then no watcher is behind.</summary>
    private static List<long> ReadEvents(List<Watcher> behind, KvSnapshot current)
    {
        var revisions = new List<long>();
        foreach (var watcher in behind)
        {
            watcher.IsBehind = false;
            if (watcher.NextRevision > current.Revision)
                continue;
            Assert.Null(current.Events(watcher.Request, watcher.NextRevision, out var batch));
            watcher.NextRevision = batch.Next;
            revisions.AddRange(batch.Events.Select(e => e.Kv.ModRevision));
        }

        behind.Clear();
        return revisions;
    }

    private static IEnumerable<long> ExpectedEvents(byte[] key, long first, long last) =>
        new long[] { key[0] == 'a' ? 2 : 3, LastRevision }.Where(revision => revision >= first && revision <= last);

    private static KvSnapshot[] CreateSnapshots()
    {
        var (a, b) = (new PutRequest("a"u8.ToArray(), default), new PutRequest("b"u8.ToArray(), default));
        var store = new KvStore();
        List<KvSnapshot> snapshots = [store.Current];
        foreach (var request in new KvRequest[] { a, b, new TxnRequest([], [a, b], []) })
        {
            var bytes = new ArrayBufferWriter<byte>();
            KvCommandCodec.Encode(request, bytes);
            var index = new LogIndex((ulong)snapshots.Count);
            store.Apply(new CommittedCommand(new EntryId(new Term(1), index), bytes.WrittenMemory));
            store.BatchApplied(index);
            snapshots.Add(store.Current);
        }

        return [.. snapshots];
    }
}
