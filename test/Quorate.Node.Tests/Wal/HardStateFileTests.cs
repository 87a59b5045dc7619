using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;

namespace Quorate.Node.Tests.Wal;

/// <summary>Paper Fig. 2, persistent state: a node that lost its vote could vote twice in a term.</summary>
public sealed class HardStateFileTests
{
    private const int PageBytes = 4096;

    [Fact]
    public void The_last_saved_state_is_recovered()
    {
        var disk = new MemoryStorage();
        using (var file = HardStateFile.Create(disk))
        {
            Assert.Equal(default, file.State);
            for (ulong term = 1; term <= 9; term++)
                file.Save(Given.Vote(term, term + 100));
        }

        using var again = HardStateFile.Open(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped));
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

        using (var file = HardStateFile.Open(disk))
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

        var corruption = Assert.Throws<WalCorruptionException>(() => HardStateFile.Open(disk));
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

        Assert.Throws<WalCorruptionException>(() => HardStateFile.Open(disk));
    }

    private static MemoryStorage TwoVotes()
    {
        var disk = new MemoryStorage();
        using var file = HardStateFile.Create(disk);
        file.Save(Given.Vote(1, 4));
        file.Save(Given.Vote(2, 5));
        return disk;
    }
}
