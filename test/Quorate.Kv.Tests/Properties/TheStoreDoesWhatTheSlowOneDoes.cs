using CsCheck;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Tests.Properties;

/// <summary>Random commands, reads at random revisions and compactions: every answer the same as the slow, obvious store's.</summary>
public sealed class TheStoreDoesWhatTheSlowOneDoes
{
    [Fact]
    public void Every_answer_is_the_same() =>
        Gen.Select(GenRequest.Command.Array[1, 60], GenRequest.Range.Array[1, 6], Gen.Int[1, 5]).Sample(
            (commands, reads, batch) =>
            {
                var store = new StoreUnderTest();
                var slow = new SlowStore();
                for (var i = 0; i < commands.Length; i++)
                {
                    Assert.Equal(Given.Show(slow.Do(commands[i])), Given.Show(store.DoInBatch(commands[i])));
                    if (i % batch != 0)
                        continue;
                    store.EndBatch();
                    foreach (var read in reads)
                        Assert.Equal(Given.Show(slow.Range(read)), Given.Show(store.Current.Range(read)));
                    Assert.Equal(slow.Leases(), Given.Leases(store.Current));
                }

                store.EndBatch();
                TreeReader.Check(store.Current.View.Keys);
                TreeReader.Check(store.Current.View.History);
            },
            iter: 3000);

    /// <summary>etcd's guarantees of a watch: ordered, unique, atomic, reliable, from any revision that is not compacted.</summary>
    [Fact]
    public void What_happened_is_told_whole_and_in_order() =>
        Gen.Select(GenRequest.Command.Array[1, 60], GenRequest.Keys, Gen.Int[0, 7], Gen.Select(Gen.Int[1, 4], Gen.Int[1, 20])).Sample(
            (commands, keys, flags, most) =>
            {
                var wanted = new EventRequest(keys)
                {
                    PrevKv = (flags & 1) != 0,
                    WithoutPuts = (flags & 2) != 0,
                    WithoutDeletions = (flags & 4) != 0,
                    ChangesMax = most.Item1,
                    BytesMax = most.Item2,
                };
                var (store, slow) = (new StoreUnderTest(), new SlowStore());
                foreach (var command in commands)
                {
                    slow.Do(command);
                    store.Do(command);
                }

                for (var from = 0; from < store.Revision + 3; from++)
                    Assert.Equal(slow.Events(wanted, from), Given.Events(store.Current, wanted, from));
            },
            iter: 1000);

    /// <summary>etcd's guarantee of a revision: what was read at it once is read at it always, until it is compacted.</summary>
    [Fact]
    public void A_snapshot_answers_at_the_end_what_it_answered_when_it_was_taken() =>
        Gen.Select(GenRequest.Command.Array[1, 60], GenRequest.Range.Array[1, 6]).Sample(
            (commands, reads) =>
            {
                var store = new StoreUnderTest();
                var taken = new List<(KvSnapshot Snapshot, string Answers)>();
                foreach (var command in commands)
                {
                    store.Do(command);
                    taken.Add((store.Current, Answers(store.Current)));
                }

                foreach (var (snapshot, answers) in taken)
                    Assert.Equal(answers, Answers(snapshot));

                string Answers(KvSnapshot snapshot)
                {
                    Assert.Null(snapshot.HashKv(0, out var hash));
                    return $"{hash} {snapshot.KeyCount} {string.Join('\n', reads.Select(r => Given.Show(snapshot.Range(r))))}";
                }
            },
            iter: 700);

    /// <summary>The hash is over what can be read and nothing else: not the pages, not how far a compaction was swept.</summary>
    [Fact]
    public void Two_stores_hash_alike_exactly_when_the_same_can_be_read_from_them() =>
        Gen.Select(GenRequest.Command.Array[1, 40], GenRequest.Command.Array[0, 3], Gen.Int[1, 7]).Sample(
            (commands, tail, batch) =>
            {
                var (a, slowA) = (new StoreUnderTest(), new SlowStore());
                var (b, slowB) = (new StoreUnderTest(), new SlowStore());
                for (var i = 0; i < commands.Length; i++)
                {
                    a.Do(commands[i]);
                    slowA.Do(commands[i]);
                    b.DoInBatch(commands[i]);
                    slowB.Do(commands[i]);
                    if (i % batch == 0)
                        b.EndBatch();
                }

                foreach (var command in tail)
                {
                    b.DoInBatch(command);
                    slowB.Do(command);
                }

                b.EndBatch();
                a.Current.HashKv(0, out var hashA);
                b.Current.HashKv(0, out var hashB);
                Assert.Equal(slowA.Kept(a.Revision) == slowB.Kept(b.Revision), hashA.Hash == hashB.Hash);
            },
            iter: 1000);
}
