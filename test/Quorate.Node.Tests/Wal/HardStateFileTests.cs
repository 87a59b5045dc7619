using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>Paper Fig. 2, persistent state: a node that lost its vote could vote twice in a term.</summary>
public sealed class HardStateFileTests
{
    private const int PageBytes = 4096;
    private static readonly DirectoryStamp _stamp = new(new DirectoryId(7), new NodeId(1));

    [Fact]
    public void The_last_saved_state_is_recovered()
    {
        var disk = new MemoryStorage();
        using (var file = HardStateFile.Create(disk, _stamp))
        {
            Assert.Equal(default, file.State);
            for (ulong term = 1; term <= 9; term++)
                file.Save(Given.Vote(term, term + 100));
        }

        using var again = HardStateFile.Open(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped), _stamp);
        Assert.Equal(Given.Vote(9, 109), again.State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_single_corrupt_copy_is_repaired(int copy)
    {
        var disk = TwoVotes();
        disk.BytesOf(HardStateFile.Name).AsSpan(copy * PageBytes, 64).Fill(0xEE);

        using (var file = HardStateFile.Open(disk, _stamp))
            Assert.Equal(Given.Vote(2, 5), file.State);

        Assert.Equal(TwoVotes().BytesOf(HardStateFile.Name), disk.BytesOf(HardStateFile.Name));
    }

    /// <summary>The other slot cannot replace the lost one, even if it is valid: it may hold the older state.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_slot_without_a_readable_copy_is_corruption(int slot)
    {
        var disk = TwoVotes();
        disk.BytesOf(HardStateFile.Name)[2 * slot * PageBytes + 30] ^= 1;
        disk.BytesOf(HardStateFile.Name)[(2 * slot + 1) * PageBytes + 30] ^= 1;

        var corruption = Assert.Throws<WalCorruptionException>(() => HardStateFile.Open(disk, _stamp));
        Assert.Contains("vote twice", corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>A copy of a slot in another slot's place is not a copy: a page written to the wrong place is detected.</summary>
    [Fact]
    public void A_copy_at_the_wrong_offset_is_ignored()
    {
        var disk = TwoVotes();
        var bytes = disk.BytesOf(HardStateFile.Name);
        bytes.AsSpan(0, PageBytes).CopyTo(bytes.AsSpan(2 * PageBytes));
        bytes.AsSpan(0, PageBytes).CopyTo(bytes.AsSpan(3 * PageBytes));

        Assert.Throws<WalCorruptionException>(() => HardStateFile.Open(disk, _stamp));
    }

    /// <summary>Even one copy of another directory's file shows that the file is not this one's.</summary>
    [Theory]
    [InlineData(0, 4)]
    [InlineData(2, 1)]
    public void A_copy_of_another_data_directory_is_rejected(int first, int count)
    {
        var (disk, other) = (TwoVotes(), new MemoryStorage());
        using (var file = HardStateFile.Create(other, new DirectoryStamp(new DirectoryId(8), new NodeId(2))))
            file.Save(Given.Vote(9, 4));
        other.BytesOf(HardStateFile.Name).AsSpan(first * PageBytes, count * PageBytes)
            .CopyTo(disk.BytesOf(HardStateFile.Name).AsSpan(first * PageBytes));

        var corruption = Assert.Throws<WalCorruptionException>(() => HardStateFile.Open(disk, _stamp));
        Assert.Contains("directory 0000000000000008 of member 2; this one is directory 0000000000000007 of member 1", corruption.Message,
            StringComparison.Ordinal);
        Assert.Contains("put the file of this data directory back", corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>Builds that do not know the repair term would vote, so they must refuse the file.</summary>
    [Fact]
    public void A_repair_term_is_recovered_and_changes_the_format_version()
    {
        var disk = TwoVotes();
        using (var file = HardStateFile.Open(disk, _stamp))
        {
            Assert.Equal(2, disk.BytesOf(HardStateFile.Name)[8]);
            file.Save(file.State.AfterLoss());
        }

        Assert.Equal(3, disk.BytesOf(HardStateFile.Name)[8]);
        using var again = HardStateFile.Open(disk, _stamp);
        Assert.Equal(new HardState(new Term(3), NodeId.None) { RepairTerm = new Term(2) }, again.State);
    }

    /// <summary>Builds that do not know leases would vote during one, so they must refuse the file.</summary>
    [Fact]
    public void The_length_of_a_lease_is_recovered_and_changes_the_format_version()
    {
        var disk = TwoVotes();
        using (var file = HardStateFile.Open(disk, _stamp))
            file.Save(file.State with { LeaseMilliseconds = 0xA1B2_C3D4 });

        Assert.Equal(3, disk.BytesOf(HardStateFile.Name)[8]);
        Assert.Equal([0xD4, 0xC3, 0xB2, 0xA1], disk.BytesOf(HardStateFile.Name)[12..16]);
        using var again = HardStateFile.Open(disk, _stamp);
        Assert.Equal(Given.Vote(2, 5) with { LeaseMilliseconds = 0xA1B2_C3D4 }, again.State);
    }

    /// <summary>A crash came between the two files, or at any call of a save: either file alone has what was saved before.</summary>
    [Fact]
    public void A_power_loss_at_any_call_leaves_the_saved_state_in_each_of_the_two_files()
    {
        for (var call = 0; ; call++)
        {
            var disk = new MemoryStorage();
            using (var files = HardStateFiles.Create(disk, _stamp, hasCopy: true))
                files.Save(Given.Vote(1, 4));
            var saved = false;
            using (var files = HardStateFiles.Open(disk, _stamp, hasCopy: true, Assert.Fail))
            {
                var left = call;
                disk.BeforeCall = _ =>
                {
                    if (left-- == 0)
                        throw new IOException("the power is cut");
                };
                try
                {
                    files.Save(Given.Vote(2, 5));
                    saved = true;
                }
                catch (IOException)
                {
                }

                disk.BeforeCall = null;
            }

            foreach (var name in new[] { HardStateFile.Name, HardStateFile.CopyName })
            {
                var left = disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped);
                left.Delete(name);
                using var files = HardStateFiles.Open(left, _stamp, hasCopy: true, static _ => { });
                Assert.True(files.State == Given.Vote(2, 5) || (!saved && files.State == Given.Vote(1, 4)), $"call {call}: {files.State}");
            }

            if (saved)
                return;
        }
    }

    private static MemoryStorage TwoVotes()
    {
        var disk = new MemoryStorage();
        using var file = HardStateFile.Create(disk, _stamp);
        file.Save(Given.Vote(1, 4));
        file.Save(Given.Vote(2, 5));
        return disk;
    }
}
