using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Storage;

/// <summary>
/// A data directory belongs to one member of one cluster, and no option can change the members that count for a majority.
/// </summary>
public sealed class DataDirectoryOwnerTests
{
    private static readonly Configuration _three = Members(1, 2, 3);

    [Theory]
    [InlineData(0xC0DFUL, 1UL, 3UL, "cluster 000000000000c0df")]
    [InlineData(0xC0DEUL, 2UL, 3UL, "member 2")]
    [InlineData(0xC0DEUL, 1UL, 4UL, "members 1 2 4")]
    public void A_data_directory_of_another_owner_is_rejected_with_the_name_of_its_owner(ulong cluster, ulong self, ulong third,
        string expected)
    {
        var disk = new MemoryStorage();
        DataDirectoryOwner.Verify(disk, 0xC0DE, new NodeId(1), _three);
        var calls = disk.Calls;

        var error = Assert.Throws<IOException>(() => DataDirectoryOwner.Verify(disk, cluster, new NodeId(self), Members(1, 2, third)));
        Assert.Contains("belongs to cluster 000000000000c0de, member 1, members 1 2 3", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(calls, disk.Calls);
    }

    /// <summary>
    /// Power is lost at any call of a first start: the next start of the same member creates or finds the owner file, and once a start has
    /// returned, no other member can use the directory.
    /// </summary>
    [Theory]
    [InlineData(MemoryStoragePowerLossOutcome.Dropped)]
    [InlineData(MemoryStoragePowerLossOutcome.Kept)]
    [InlineData(MemoryStoragePowerLossOutcome.Mixed)]
    public void A_power_loss_at_any_call_leaves_the_directory_to_its_owner(MemoryStoragePowerLossOutcome left)
    {
        for (var call = 0; ; call++)
        {
            var (disk, calls, starts) = (new MemoryStorage(), 0, 0);
            disk.BeforeCall = _ =>
            {
                if (calls++ == call)
                    throw new PowerLossException();
            };
            try
            {
                for (; starts < 2; starts++)
                    DataDirectoryOwner.Verify(disk, 7, new NodeId(1), _three);
                Assert.True(call > 4, $"only {call} calls");
                return;
            }
            catch (PowerLossException)
            {
            }

            var after = disk.CopyAfterPowerLoss(left, call);
            if (starts > 0)
                Assert.Throws<IOException>(() => DataDirectoryOwner.Verify(after, 7, new NodeId(2), _three));
            DataDirectoryOwner.Verify(after, 7, new NodeId(1), _three);
            Assert.Equal([DataDirectoryOwner.Name], after.List());
        }
    }

    [Fact]
    public void A_flipped_bit_or_a_shortened_owner_file_is_reported()
    {
        var pristine = new MemoryStorage();
        DataDirectoryOwner.Verify(pristine, 7, new NodeId(1), _three);
        for (var at = 0; at < pristine.BytesOf(DataDirectoryOwner.Name).Length; at++)
        {
            var disk = pristine.Copy();
            disk.BytesOf(DataDirectoryOwner.Name)[at] ^= 4;
            Assert.Equal(DataDirectoryOwner.Name,
                Assert.Throws<WalCorruptionException>(() => DataDirectoryOwner.Verify(disk, 7, new NodeId(1), _three)).File);

            disk = pristine.Copy();
            using (var file = disk.Open(DataDirectoryOwner.Name))
                file.SetLength(at);
            Assert.Throws<WalCorruptionException>(() => DataDirectoryOwner.Verify(disk, 7, new NodeId(1), _three));
        }
    }

    private static Configuration Members(params ulong[] ids) => new(ids.Select(id => new NodeId(id)));
}
