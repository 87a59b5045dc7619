using CsCheck;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Tests.Properties;

/// <summary>
/// Random commands, reads at random revisions, and compactions: every result equals that of the slow, obvious reference store.
/// </summary>
public sealed class KvStoreModelTests
{
    // One version a command leaves most of a compaction unswept; 0 is production's number, which sweeps all of it at once.
    private static readonly Gen<int> Sweep = Gen.Int[0, 2];

    [Fact]
    public void The_store_returns_the_reference_results() =>
        Gen.Select(RequestGenerators.Command.Array[1, 60], RequestGenerators.Range.Array[1, 6], Gen.Int[1, 5], Sweep).Sample(
            (commands, reads, batch, sweep) =>
            {
                var store = new StoreUnderTest(sweep);
                var reference = new ReferenceKvStore();
                for (var i = 0; i < commands.Length; i++)
                {
                    // Most advances name the last one, which the generator cannot know.
                    var command = commands[i] is LeaseClockAdvanceRequest { Base.Value: < 25 } advance
                        ? advance with { Base = store.Store.LeaseClock.LastAdvance }
                        : commands[i];
                    Assert.Equal(Given.Format(reference.Apply(command)), Given.Format(store.ApplyInBatch(command)));
                    if (i % batch != 0)
                        continue;
                    store.EndBatch();
                    foreach (var read in reads)
                        Assert.Equal(Given.Format(reference.Range(read)), Given.Format(store.Current.Range(read)));
                    Assert.Equal(reference.Leases(), Given.Leases(store.Current));
                }

                store.EndBatch();
                TreeReader.CheckInvariants(store.Current.View.Keys);
                TreeReader.CheckInvariants(store.Current.View.History);
            },
            iter: TestEffort.Of(3000));

    /// <summary>etcd's guarantees of a watch: ordered, unique, atomic, reliable, from any revision that is not compacted.</summary>
    [Fact]
    public void Watch_events_are_complete_and_in_order() =>
        Gen.Select(
            RequestGenerators.CompactingCommand.Array[1, 60],
            RequestGenerators.Keys,
            Gen.Int[0, 7],
            Gen.Select(Gen.Int[1, 4], Gen.Int[1, 20]),
            Sweep).Sample(
            (commands, keys, flags, limits, sweep) =>
            {
                var wanted = new WatchEventRequest(keys)
                {
                    PrevKv = (flags & 1) != 0,
                    WithoutPuts = (flags & 2) != 0,
                    WithoutDeletions = (flags & 4) != 0,
                    MaxChanges = limits.Item1,
                    MaxBytes = limits.Item2,
                };
                var (store, reference) = (new StoreUnderTest(sweep), new ReferenceKvStore());
                foreach (var command in commands)
                {
                    reference.Apply(command);
                    store.Apply(command);
                }

                for (var from = 0; from < store.Revision + 3; from++)
                    Assert.Equal(reference.Events(wanted, from), Given.Events(store.Current, wanted, from));
            },
            iter: TestEffort.Of(1000));

    /// <summary>etcd's guarantee of a revision: a read at it always returns the same result, until the revision is compacted.</summary>
    [Fact]
    public void A_snapshot_never_changes() =>
        Gen.Select(RequestGenerators.Command.Array[1, 60], RequestGenerators.Range.Array[1, 6]).Sample(
            (commands, reads) =>
            {
                var store = new StoreUnderTest();
                var taken = new List<(KvSnapshot Snapshot, string Answers)>();
                foreach (var command in commands)
                {
                    store.Apply(command);
                    taken.Add((store.Current, Answers(store.Current)));
                }

                foreach (var (snapshot, answers) in taken)
                    Assert.Equal(answers, Answers(snapshot));

                string Answers(KvSnapshot snapshot)
                {
                    Assert.Null(snapshot.HashKv(0, out var hash));
                    return $"{hash} {snapshot.KeyCount} {string.Join('\n', reads.Select(r => Given.Format(snapshot.Range(r))))}";
                }
            },
            iter: TestEffort.Of(700));

    /// <summary>
    /// The hash covers what can be read and nothing else: neither the page layout nor the sweep progress of a compaction.
    /// </summary>
    [Fact]
    public void Hashes_are_equal_exactly_when_readable_contents_are() =>
        Gen.Select(
            RequestGenerators.Command.Array[1, 40], RequestGenerators.Command.Array[0, 3], Gen.Int[1, 7],
            Gen.Select(Sweep, Sweep)).Sample(
            (commands, tail, batch, sweeps) =>
            {
                var (a, referenceA) = (new StoreUnderTest(sweeps.Item1), new ReferenceKvStore());
                var (b, referenceB) = (new StoreUnderTest(sweeps.Item2), new ReferenceKvStore());
                for (var i = 0; i < commands.Length; i++)
                {
                    a.Apply(commands[i]);
                    referenceA.Apply(commands[i]);
                    b.ApplyInBatch(commands[i]);
                    referenceB.Apply(commands[i]);
                    if (i % batch == 0)
                        b.EndBatch();
                }

                foreach (var command in tail)
                {
                    b.ApplyInBatch(command);
                    referenceB.Apply(command);
                }

                b.EndBatch();
                a.Current.HashKv(0, out var hashA);
                b.Current.HashKv(0, out var hashB);
                Assert.Equal(referenceA.ReadableVersions(a.Revision) == referenceB.ReadableVersions(b.Revision), hashA.Hash == hashB.Hash);
            },
            iter: TestEffort.Of(1000));

    /// <summary>
    /// Every result, event, previous value and hash is the same after each command, however far the sweep of a compaction has come.
    /// </summary>
    [Fact]
    public void Nothing_that_can_be_read_depends_on_the_sweep() =>
        Gen.Select(RequestGenerators.CompactingCommand.Array[10, 60], RequestGenerators.Range.Array[1, 4], Gen.Int[1, 3]).Sample(
            (commands, reads, sweep) =>
            {
                var (slow, fast) = (new StoreUnderTest(sweep), new StoreUnderTest());
                var withPrevious = new WatchEventRequest(KeyInterval.All) { PrevKv = true };
                foreach (var command in commands)
                {
                    Assert.Equal(fast.ApplyAndFormat(command), slow.ApplyAndFormat(command));
                    Assert.Equal(Answers(fast.Current), Answers(slow.Current));
                }

                string Answers(KvSnapshot snapshot)
                {
                    Assert.Null(snapshot.HashKv(0, out var hash));
                    return $"{hash} {snapshot.Hash()} {snapshot.KeyCount} {snapshot.CompactRevision}\n" +
                        $"{Given.Events(snapshot, withPrevious, long.Max(snapshot.CompactRevision, 0))}\n" +
                        string.Join('\n', reads.Select(r => Given.Format(snapshot.Range(r))));
                }
            },
            iter: TestEffort.Of(700));
}
