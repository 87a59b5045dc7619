using Quorate.Node.Divergence;
using Quorate.Node.Repair;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Repair;

/// <summary>A data directory whose log or snapshot is corrupt becomes usable again, and states that entries were lost.</summary>
public sealed class DirectoryRepairTests
{
    private static readonly Configuration _members = new([new NodeId(1), new NodeId(2), new NodeId(3)]);
    private readonly WalOptions _options = Wal.Given.SmallSegments();

    [Fact]
    public void A_repair_gives_up_the_log_and_records_the_loss_first()
    {
        var disk = Corrupt(Written());
        var calls = new List<string>();
        disk.BeforeCall = calls.Add;

        var setAside = DirectoryRepair.Run(disk, Wal.Given.Identity(disk), _options, []);

        disk.BeforeCall = null;
        Assert.Equal([Segment.NameOf(3), Segment.NameOf(2), Segment.NameOf(1)], setAside);
        Assert.InRange(calls.IndexOf("flush hardstate-copy"), 1, calls.IndexOf($"rename {Segment.NameOf(3)}"));
        var (log, recovered) = Wal.Given.OpenLog(disk, _options);
        using var _ = log;
        Assert.Equal(new HardState(new Term(3), NodeId.None) { RepairTerm = new Term(2) }, recovered.HardState);
        Assert.Equal((new LogIndex(1), LogIndex.Zero), (recovered.FirstIndex, recovered.LastIndex));
        Assert.Equal(3, SetAsideFiles.In(disk).Count());
        log.AppendAndFlush(Wal.Given.Batch(_options, Wal.Given.Entries(1, 5, term: 3)));
    }

    [Fact]
    public void The_log_continues_behind_the_snapshot_that_is_kept()
    {
        var disk = Corrupt(Written());
        Snapshots(disk).Write(Wal.Given.Id(1, 20), _members, new EmptySnapshot(), CancellationToken.None);

        DirectoryRepair.Run(disk, Wal.Given.Identity(disk), _options, []);

        var (log, recovered) = Wal.Given.OpenLog(disk, _options);
        using var _ = log;
        Assert.Equal((new LogIndex(21), new LogIndex(20)), (recovered.FirstIndex, recovered.LastIndex));
        Assert.Equal(new Term(2), recovered.HardState.RepairTerm);
    }

    /// <summary>A snapshot was received, and a crash came before its term was saved.</summary>
    [Fact]
    public void The_term_of_the_snapshot_that_is_kept_counts_as_one_of_the_loss()
    {
        var disk = Corrupt(Written());
        Snapshots(disk).Write(Wal.Given.Id(7, 40), _members, new EmptySnapshot(), CancellationToken.None);

        DirectoryRepair.Run(disk, Wal.Given.Identity(disk), _options, []);

        var (log, recovered) = Wal.Given.OpenLog(disk, _options);
        using var _ = log;
        Assert.Equal((new Term(8), new Term(7)), (recovered.HardState.Term, recovered.HardState.RepairTerm));
    }

    [Fact]
    public void A_corrupt_snapshot_is_not_used_again()
    {
        var disk = Written();
        var snapshot = Snapshots(disk).Write(Wal.Given.Id(1, 20), _members, new EmptySnapshot(), CancellationToken.None);

        DirectoryRepair.Run(disk, Wal.Given.Identity(disk), _options, [snapshot.Name]);

        Assert.Null(Snapshots(disk).Newest);
        using var log = Wal.Given.OpenLog(disk, _options).Log;
        Assert.Equal(new LogIndex(1), log.FirstIndex);
    }

    /// <summary>After a crash at any moment, the next start finds the log intact, or corrupt, or the record of the loss.</summary>
    [Theory]
    [InlineData(MemoryStoragePowerLossOutcome.Dropped)]
    [InlineData(MemoryStoragePowerLossOutcome.Kept)]
    [InlineData(MemoryStoragePowerLossOutcome.Mixed)]
    public void A_power_loss_at_any_call_never_forgets_the_loss(MemoryStoragePowerLossOutcome outcome)
    {
        for (var call = 0; ; call++)
        {
            var disk = Corrupt(Written());
            var left = call;
            disk.BeforeCall = _ =>
            {
                if (left-- == 0)
                    throw new IOException("the power is cut");
            };
            var isComplete = false;
            try
            {
                DirectoryRepair.Run(disk, Wal.Given.Identity(disk), _options, []);
                isComplete = true;
            }
            catch (IOException)
            {
            }

            disk.BeforeCall = null;
            var after = disk.CopyAfterPowerLoss(outcome, call);
            for (var start = 0; ; start++)
            {
                Assert.True(start < 3, $"call {call}: the repair does not end");
                try
                {
                    var (log, recovered) = Wal.Given.OpenLog(after, _options);
                    log.Dispose();
                    Assert.True(
                        recovered.HardState.RepairTerm >= new Term(2), $"call {call}: {recovered.HardState} is no record of the loss");
                    break;
                }
                catch (WalCorruptionException corruption)
                {
                    Assert.True(DirectoryRepair.CanRepair(corruption, Wal.Given.Identity(after)), corruption.Message);
                    DirectoryRepair.Run(after, Wal.Given.Identity(after), _options, []);
                }
            }

            if (isComplete)
                return;
        }
    }

    [Theory]
    [InlineData(2, "0.2", false)]
    [InlineData(3, "0.1", false)]
    [InlineData(3, "0.2", true)]
    [InlineData(5, "0.2", true)]
    public void A_log_is_given_up_only_where_the_others_can_elect_a_leader_and_know_the_rule(int members, string version, bool expected)
    {
        Assert.True(ClusterVersion.TryParse(version, out var parsed));
        var identity = IdentityFile.Open(
            new MemoryStorage(), 1, new NodeId(1), new Configuration(Enumerable.Range(1, members).Select(static m => new NodeId((ulong)m))),
            versionMax: parsed);

        Assert.Equal(expected, DirectoryRepair.CanRepair(identity));
    }

    [Fact]
    public void A_directory_is_rebuilt_from_its_identity_and_its_vote_alone()
    {
        var directory = Directory.CreateTempSubdirectory("quorate-rebuild-").FullName;
        try
        {
            DirectoryId id;
            using (var storage = new FileStorage(directory))
            {
                var written = Written(storage);
                id = written.DirectoryId;
                QuarantineFile.Write(storage, new Quarantine { Entry = new LogIndex(8), Reason = "its state differs" });
                Snapshots(storage).Write(Wal.Given.Id(1, 20), _members, new EmptySnapshot(), CancellationToken.None);
                var inUse = Assert.Throws<IOException>(() => DirectoryRepair.Rebuild(directory));
                Assert.Contains("Cannot lock", inUse.Message, StringComparison.Ordinal);
            }

            var (member, setAside) = DirectoryRepair.Rebuild(directory);

            Assert.Equal((new NodeId(1), id, 4), (member.MemberId, member.DirectoryId, setAside.Count));
            using var again = new FileStorage(directory);
            var (log, recovered) = Wal.Given.OpenLog(again, _options);
            using var _ = log;
            Assert.Equal((new LogIndex(1), new Term(2)), (recovered.FirstIndex, recovered.HardState.RepairTerm));
            Assert.Null(Snapshots(again).Newest);
            Assert.Null(QuarantineFile.Read(again));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static SnapshotStore Snapshots(IStorage disk) => SnapshotStore.Open(disk, 0xC0DE, GroupId.First, new SnapshotOptions());

    private static MemoryStorage Corrupt(MemoryStorage disk)
    {
        disk.BytesOf(Segment.NameOf(2))[3000] ^= 1;
        return disk;
    }

    private MemoryStorage Written()
    {
        var disk = new MemoryStorage();
        Written(disk);
        return disk;
    }

    private IdentityFile Written(IStorage disk)
    {
        using var log = Wal.Given.OpenLog(disk, _options).Log;
        var batch = Wal.Given.Batch(_options, Wal.Given.Entries(1, 30, payloadBytes: 1000));
        batch.SetHardState(Wal.Given.Vote(2, 1));
        log.AppendAndFlush(batch);
        return Wal.Given.Identity(disk);
    }

    private sealed class EmptySnapshot : IStateMachineSnapshot
    {
        public void WriteTo(Stream target) => target.Write([1, 2, 3]);

        public void Dispose()
        {
        }
    }
}
