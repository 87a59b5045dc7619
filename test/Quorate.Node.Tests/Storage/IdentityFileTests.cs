using System.Text;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Wal;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Storage;

/// <summary>
/// A data directory belongs to one member of one cluster, no option can change the members that count for a majority, and the directories
/// of the peers are remembered.
/// </summary>
public sealed class IdentityFileTests
{
    private static readonly NodeId Peer = new(2);

    [Theory]
    [InlineData(0xC0DFUL, 1UL, "cluster 000000000000c0df")]
    [InlineData(0xC0DEUL, 2UL, "member 2")]
    public void A_data_directory_of_another_owner_is_rejected_with_the_name_of_its_owner(
        ulong cluster, ulong self, string expected)
    {
        var disk = new MemoryStorage();
        Given.Identity(disk);
        var calls = disk.Calls;

        var error = Assert.Throws<IOException>(() => IdentityFile.Open(
            disk, cluster, new NodeId(self), new Configuration([new NodeId(1), new NodeId(2), new NodeId(3)])));

        Assert.Contains("belongs to cluster 000000000000c0de, member 1;", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(calls, disk.Calls);
    }

    /// <summary>A member that began with other members than its peers could take a minority for a majority.</summary>
    [Fact]
    public void The_members_with_which_a_directory_was_created_never_change()
    {
        var disk = new MemoryStorage();
        Given.Identity(disk);

        var opened = IdentityFile.Open(disk, 0xC0DE, new NodeId(1), new Configuration([new NodeId(1), new NodeId(4)]));

        Assert.Equal([1UL, 2, 3], opened.Identity.Members.Select(static member => member.Value));
    }

    [Fact]
    public void A_directory_that_joins_a_cluster_has_no_members_of_its_own_and_records_those_of_the_log()
    {
        var disk = new MemoryStorage();
        var identity = IdentityFile.Open(disk, 0xC0DE, new NodeId(4), Configuration.None);
        Assert.True(identity.Identity.InitialConfiguration.IsEmpty);
        identity.RecordMembers(new Configuration([new NodeId(1), new NodeId(2)], learners: [new NodeId(4)]));

        var opened = IdentityFile.Open(disk, 0xC0DE, new NodeId(4), Configuration.None).Identity;
        Assert.True(opened.InitialConfiguration.IsEmpty);
        Assert.Equal([1UL, 2], opened.Voters.Select(static member => member.Value));
        Assert.Equal([4UL], opened.Learners.Select(static member => member.Value));
    }

    /// <summary>On the first start all members are new to each other. A peer that sends no directory id is accepted.</summary>
    [Fact]
    public void A_new_peer_and_a_peer_without_a_directory_id_are_accepted()
    {
        var identity = Given.Identity(new MemoryStorage());

        Assert.True(identity.TryRecordPeer(Peer, new DirectoryId(22)));
        Assert.True(identity.TryRecordPeer(Peer, new DirectoryId(22)));
        Assert.False(identity.TryRecordPeer(Peer, DirectoryId.None));
        Assert.False(identity.TryRecordPeer(Peer, new DirectoryId(23)));
        Assert.True(identity.TryRecordPeer(new NodeId(3), DirectoryId.None));
        Assert.True(identity.TryRecordPeer(new NodeId(3), new DirectoryId(23)));
    }

    /// <summary>An attribute is a line of the file, and its name ends at the first space.</summary>
    [Theory]
    [InlineData("name", "a value with spaces", true)]
    [InlineData("name", "", true)]
    [InlineData("", "value", false)]
    [InlineData("a name", "value", false)]
    [InlineData("na\nme", "value", false)]
    [InlineData("name", "val\nue", false)]
    public void An_attribute_that_cannot_be_read_back_is_invalid(string name, string value, bool isValid) =>
        Assert.Equal(isValid, IdentityFormat.IsValidAttribute(name, value));

    [Fact]
    public void Each_new_data_directory_draws_another_id()
    {
        var members = new Configuration([new NodeId(1)]);
        var ids = Enumerable.Range(0, 100)
            .Select(_ => IdentityFile.Open(new MemoryStorage(), 1, new NodeId(1), members).DirectoryId).ToList();

        Assert.Equal(100, ids.Distinct().Count());
        Assert.DoesNotContain(DirectoryId.None, ids);
    }

    /// <summary>
    /// Power is lost at any call: the directory belongs to its member once a start has returned, its id never changes, and every accepted
    /// peer and every recorded segment stays recorded.
    /// </summary>
    [Theory]
    [InlineData(MemoryStoragePowerLossOutcome.Dropped)]
    [InlineData(MemoryStoragePowerLossOutcome.Kept)]
    [InlineData(MemoryStoragePowerLossOutcome.Mixed)]
    public void A_power_loss_at_any_call_forgets_nothing(MemoryStoragePowerLossOutcome left)
    {
        for (var call = 0; ; call++)
        {
            var (disk, calls, own, newest) = (new MemoryStorage(), 0, DirectoryId.None, 0UL);
            var recorded = new List<NodeId>();
            disk.BeforeCall = _ =>
            {
                if (calls++ == call)
                    throw new PowerLossException();
            };
            try
            {
                for (var start = 0; start < 2; start++)
                {
                    var identity = Given.Identity(disk);
                    own = identity.DirectoryId;
                    for (var peer = 2UL + (2UL * (ulong)start); recorded.Count < 2 * (start + 1); peer++)
                    {
                        identity.TryRecordPeer(new NodeId(peer), new DirectoryId(10 + peer));
                        recorded.Add(new NodeId(peer));
                        identity.RecordNewestSegment(newest + 1);
                        newest++;
                    }
                }

                Assert.True(call > 40, $"only {call} calls");
                return;
            }
            catch (PowerLossException)
            {
                disk.BeforeCall = null;
            }

            var after = disk.CopyAfterPowerLoss(left, call);
            if (own != DirectoryId.None)
                Assert.Throws<IOException>(() => Given.Identity(after, self: 2));
            var again = Given.Identity(after);
            Assert.True(own == DirectoryId.None || again.DirectoryId == own);
            Assert.InRange(again.NewestSegment, newest, newest + 1);
            Assert.Equal([IdentityFile.Name, IdentityFile.CopyName], after.List());
            Assert.All(recorded, peer => Assert.False(again.TryRecordPeer(peer, new DirectoryId(99))));
        }
    }

    [Fact]
    public void A_flipped_bit_or_a_shortened_identity_file_is_replaced_from_its_copy_or_reported()
    {
        var pristine = new MemoryStorage();
        Given.Identity(pristine).TryRecordPeer(Peer, new DirectoryId(22));
        var bytes = pristine.BytesOf(IdentityFile.Name);
        for (var at = 0; at < bytes.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. bytes];
                flipped[at] ^= (byte)(1 << bit);
                ReportedOnlyInBothFiles(pristine, flipped);
            }

            ReportedOnlyInBothFiles(pristine, bytes[..at]);
        }
    }

    private static void ReportedOnlyInBothFiles(MemoryStorage pristine, byte[] corrupt)
    {
        var both = pristine.Copy();
        foreach (var name in new[] { IdentityFile.Name, IdentityFile.CopyName })
        {
            var disk = pristine.Copy();
            AtomicFile.Replace(disk, name, corrupt);
            AtomicFile.Replace(both, name, corrupt);
            Assert.False(Given.Identity(disk).TryRecordPeer(Peer, new DirectoryId(23)), "the peer is known");
            Assert.Equal(pristine.BytesOf(name), disk.BytesOf(name));
        }

        Assert.Equal(IdentityFile.Name, Assert.Throws<WalCorruptionException>(() => Given.Identity(both)).File);
    }

    /// <summary>The checksum is right, so an unknown version is what another build wrote, and any other line is not understood.</summary>
    [Theory]
    [InlineData("identity 2", "identity 3", typeof(StorageVersionException), "has format 3; this build reads format 2 and older")]
    [InlineData("version 0.2 0", "version 0.2", typeof(WalCorruptionException), "another form")]
    [InlineData("version 0.2 0", "version 0.02 0", typeof(WalCorruptionException), "\"0.02\" is no version")]
    [InlineData("version 0.2 0\n", "", typeof(WalCorruptionException), "\"version\" is missing")]
    [InlineData("quorate identity", "something else", typeof(WalCorruptionException), "not an identity file")]
    [InlineData("cluster ", "Cluster ", typeof(WalCorruptionException), "\"cluster\" is missing")]
    [InlineData("peer 2 ", "pear 2 ", typeof(WalCorruptionException), "\"pear\" is unknown")]
    [InlineData("peer 2 ", "peer ", typeof(WalCorruptionException), "another form")]
    [InlineData("segment 0", "segment x", typeof(WalCorruptionException), "another form")]
    public void A_file_of_another_form_is_rejected_in_words(string text, string replacement, Type type, string expected)
    {
        var disk = new MemoryStorage();
        Given.Identity(disk).TryRecordPeer(Peer, new DirectoryId(22));
        var body = Encoding.UTF8.GetString(disk.BytesOf(IdentityFile.Name))[..^16];
        Assert.Contains(text, body, StringComparison.Ordinal);
        var bytes = Encoding.UTF8.GetBytes(body.Replace(text, replacement, StringComparison.Ordinal));
        foreach (var name in new[] { IdentityFile.Name, IdentityFile.CopyName })
            AtomicFile.Replace(disk, name, [.. bytes, .. Encoding.ASCII.GetBytes($"crc32c {Crc32C.Of(bytes):x8}\n")]);

        var error = Assert.ThrowsAny<IOException>(() => Given.Identity(disk));

        Assert.Equal(type, error.GetType());
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    /// <summary>No build before this format was released, so its data directories are not converted.</summary>
    [Theory]
    [InlineData("owner")]
    [InlineData("incarnations")]
    public void A_data_directory_of_an_unreleased_version_is_rejected_in_words(string file)
    {
        var disk = new MemoryStorage();
        disk.Create(file, 10).Dispose();
        var calls = disk.Calls;

        var error = Assert.Throws<IOException>(() => Given.Identity(disk));

        Assert.Contains(
            $"written by an unreleased version of Quorate: it contains the file {file}", error.Message, StringComparison.Ordinal);
        Assert.Contains("start with an empty data directory", error.Message, StringComparison.Ordinal);
        Assert.Equal(calls, disk.Calls);
    }

    /// <summary>A peer that cannot be recorded is rejected until there is space.</summary>
    [Fact]
    public void A_new_peer_is_rejected_while_the_disk_is_full()
    {
        var disk = new MemoryStorage();
        var identity = Given.Identity(disk);
        disk.BeforeCall = static call =>
        {
            if (call.StartsWith("write", StringComparison.Ordinal))
                throw new IOException("No space left on device");
        };
        Assert.Throws<IOException>(() => identity.TryRecordPeer(Peer, new DirectoryId(22)));

        disk.BeforeCall = null;
        Assert.True(identity.TryRecordPeer(Peer, new DirectoryId(23)));
        Assert.False(Given.Identity(disk).TryRecordPeer(Peer, new DirectoryId(22)));
    }

    /// <summary>A program finds its attributes without opening the directory, also while a node has it open.</summary>
    [Fact]
    public void The_identity_can_be_read_while_the_directory_is_open()
    {
        var directory = Directory.CreateTempSubdirectory("quorate-identity-").FullName;
        try
        {
            Assert.Null(DataDirectoryIdentity.Read(directory));
            Assert.Null(DataDirectoryIdentity.Read(Path.Combine(directory, "missing")));
            var attributes = new Dictionary<string, string> { ["name"] = "n0", ["url"] = "http://[::1]:1,x y" };
            using var storage = new FileStorage(directory);
            IdentityFile.Open(storage, 7, Peer, new Configuration([Peer]), attributes);

            var identity = DataDirectoryIdentity.Read(directory)!;

            Assert.Equal((7UL, Peer), (identity.ClusterId, identity.MemberId));
            Assert.Equal(attributes.OrderBy(static a => a.Key), identity.Attributes.OrderBy(static a => a.Key));
            File.AppendAllText(Path.Combine(directory, IdentityFile.Name), "x");
            Assert.Equal(identity.DirectoryId, DataDirectoryIdentity.Read(directory)!.DirectoryId);
            File.AppendAllText(Path.Combine(directory, IdentityFile.CopyName), "x");
            Assert.Throws<WalCorruptionException>(() => DataDirectoryIdentity.Read(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
