using Quorate.Node.Groups;
using Quorate.Node.Tests.Io;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Groups;

/// <summary>Votes and log of one member are nobody else's, and who counts for a majority is not changed by an option.</summary>
public sealed class FoldersHaveOwners
{
    private static readonly Configuration _three = Members(1, 2, 3);

    [Theory]
    [InlineData(0xC0DFUL, 1UL, 3UL, "cluster 000000000000c0df")]
    [InlineData(0xC0DEUL, 2UL, 3UL, "member 2")]
    [InlineData(0xC0DEUL, 1UL, 4UL, "members 1 2 4")]
    public void Another_cluster_member_or_membership_is_refused_and_told_whose_it_is(ulong cluster, ulong self, ulong third, string told)
    {
        var disk = new MemoryDisk();
        FolderOwner.Claim(disk, 0xC0DE, new NodeId(1), _three);
        var calls = disk.Calls;

        var refusal = Assert.Throws<IOException>(() => FolderOwner.Claim(disk, cluster, new NodeId(self), Members(1, 2, third)));
        Assert.Contains("belongs to cluster 000000000000c0de, member 1, members 1 2 3", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(calls, disk.Calls);
    }

    /// <summary>Made by a start that was cut off at any call: the next start of the same member makes it or finds it, and nobody else gets it once a start has returned.</summary>
    [Theory]
    [InlineData(Unflushed.Dropped)]
    [InlineData(Unflushed.Kept)]
    [InlineData(Unflushed.Mixed)]
    public void A_power_cut_at_any_call_leaves_it_to_its_owner(Unflushed left)
    {
        for (var call = 0; ; call++)
        {
            var (disk, calls, starts) = (new MemoryDisk(), 0, 0);
            disk.Before = _ =>
            {
                if (calls++ == call)
                    throw new PowerCutException();
            };
            try
            {
                for (; starts < 2; starts++)
                    FolderOwner.Claim(disk, 7, new NodeId(1), _three);
                Assert.True(call > 4, $"only {call} calls");
                return;
            }
            catch (PowerCutException)
            {
            }

            var after = disk.CrashedCopy(left, call);
            if (starts > 0)
                Assert.Throws<IOException>(() => FolderOwner.Claim(after, 7, new NodeId(2), _three));
            FolderOwner.Claim(after, 7, new NodeId(1), _three);
            Assert.Equal([FolderOwner.Name], after.List());
        }
    }

    [Fact]
    public void A_flipped_bit_and_a_shorter_file_are_named()
    {
        var pristine = new MemoryDisk();
        FolderOwner.Claim(pristine, 7, new NodeId(1), _three);
        for (var at = 0; at < pristine.BytesOf(FolderOwner.Name).Length; at++)
        {
            var disk = pristine.Copy();
            disk.BytesOf(FolderOwner.Name)[at] ^= 4;
            Assert.Equal(FolderOwner.Name, Assert.Throws<WalDamageException>(() => FolderOwner.Claim(disk, 7, new NodeId(1), _three)).File);

            disk = pristine.Copy();
            using (var file = disk.Open(FolderOwner.Name))
                file.SetLength(at);
            Assert.Throws<WalDamageException>(() => FolderOwner.Claim(disk, 7, new NodeId(1), _three));
        }
    }

    private static Configuration Members(params ulong[] ids) => new(ids.Select(id => new NodeId(id)));
}
