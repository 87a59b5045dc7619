using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>
/// The identity file and the files of the log refer to each other, so that a lost file, a file of another data directory and an old copy of
/// the identity file are recognised: a member that started with them would have forgotten entries or votes.
/// </summary>
public sealed class WalDataDirectoryTests
{
    private static readonly WalOptions _options = Given.SmallSegments();

    [Theory]
    [InlineData("hardstate")]
    [InlineData("wal-0000000000000001.log")]
    [InlineData("wal-0000000000000002.log")]
    [InlineData("wal-0000000000000003.log")]
    public void A_file_of_another_member_is_rejected(string name)
    {
        var (disk, other) = (Written(self: 1), Written(self: 2));
        other.BytesOf(name).CopyTo(disk.BytesOf(name), 0);
        if (name == HardStateFile.Name)
            other.BytesOf(name).CopyTo(disk.BytesOf(HardStateFile.CopyName), 0);

        var error = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, _options));

        Assert.Equal(name, error.File);
        Assert.Contains("the file belongs to another data directory: directory d1d0000000000002 of member 2; " +
            "this one is directory d1d0000000000001 of member 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("put the file of this data directory back", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A preallocated segment holds no entries yet, but it would be written to.</summary>
    [Fact]
    public void An_unused_segment_of_another_member_is_rejected()
    {
        var (disk, other) = (Written(self: 1), Written(self: 2));
        foreach (var (storage, self) in new[] { (disk, 1UL), (other, 2UL) })
        {
            using var allocator = new SegmentAllocator(storage, _options, Given.Identity(storage, self));
            allocator.Take(4).Dispose();
        }

        other.BytesOf(Segment.NameOf(4)).CopyTo(disk.BytesOf(Segment.NameOf(4)), 0);

        Assert.Equal(Segment.NameOf(4), Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, _options)).File);
    }

    /// <summary>One file of another member, or an old copy of one, is written again from the other file.</summary>
    [Theory]
    [InlineData("hardstate")]
    [InlineData("hardstate-copy")]
    [InlineData("identity")]
    [InlineData("identity-copy")]
    public void A_foreign_or_outdated_file_is_replaced_from_its_copy(string name)
    {
        var pristine = Written(self: 1);
        byte[] outdated = [.. pristine.BytesOf(name)];
        using (var log = Given.OpenLog(pristine, _options).Log)
        {
            var batch = Given.Batch(_options, Given.Entries(31, 60, payloadBytes: 1000));
            batch.SetHardState(Given.Vote(7, 3));
            log.AppendAndFlush(batch);
        }

        Assert.NotEqual(outdated, pristine.BytesOf(name));
        foreach (var content in new[] { outdated, Written(self: 2).BytesOf(name) })
        {
            var disk = pristine.Copy();
            AtomicFile.Replace(disk, name, content);

            var (log, recovered) = Given.OpenLog(disk, _options);
            using var _ = log;

            Assert.Equal(Given.Vote(7, 3), recovered.HardState);
            Assert.Equal(new LogIndex(60), recovered.LastIndex);
            Assert.Equal(disk.BytesOf(IdentityFile.Name), disk.BytesOf(IdentityFile.CopyName));
            using var hardState = HardStateFile.Open(disk, Given.Identity(disk).Stamp, HardStateFile.CopyName);
            Assert.Equal(recovered.HardState, hardState.State);
        }
    }

    [Fact]
    public void An_identity_of_another_member_is_rejected()
    {
        var (disk, other) = (Written(self: 1), Written(self: 2));
        foreach (var name in new[] { IdentityFile.Name, IdentityFile.CopyName })
            AtomicFile.Replace(disk, name, other.BytesOf(name));

        Assert.Contains("belongs to cluster 000000000000c0de, member 2",
            Assert.Throws<IOException>(() => Given.OpenLog(disk, _options)).Message, StringComparison.Ordinal);
    }

    /// <summary>The directory of a member that was started with an empty one: the same member, another directory.</summary>
    [Theory]
    [InlineData(false, "identity-copy to cluster 000000000000c0de, member 1, members 1 2 3, directory d1d0000000000001")]
    [InlineData(true, "the file belongs to another data directory")]
    public void An_identity_of_another_directory_of_the_same_member_is_rejected(bool isCopyReplacedToo, string expected)
    {
        var (disk, other) = (Written(self: 1), new MemoryStorage());
        var members = new Configuration([new NodeId(1), new NodeId(2), new NodeId(3)]);
        IdentityFile.Open(other, 0xC0DE, new NodeId(1), members, drawId: static () => 99).RecordNewestSegment(3);
        AtomicFile.Replace(disk, IdentityFile.Name, other.BytesOf(IdentityFile.Name));
        if (isCopyReplacedToo)
            AtomicFile.Replace(disk, IdentityFile.CopyName, other.BytesOf(IdentityFile.Name));

        var error = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, _options));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    /// <summary>An old copy has forgotten peers, too, so it is rejected as soon as it can be recognised.</summary>
    [Theory]
    [InlineData(2, "it records segment 2 as the newest, and segment 3 holds entries")]
    [InlineData(1, "it records segment 1 as the newest, and segment 3 is there")]
    [InlineData(0, "it records segment 0 as the newest, and segment 3 is there")]
    public void An_old_copy_of_the_identity_file_is_rejected(ulong newest, string expected)
    {
        var disk = Written(self: 1);
        ReplaceIdentity(disk, newest);

        var error = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, _options));

        Assert.Equal(IdentityFile.Name, error.File);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("put the current one back", error.Message, StringComparison.Ordinal);
    }

    /// <summary>All segments are gone, and an old copy of the identity file does not name them: the saved term shows it.</summary>
    [Fact]
    public void An_identity_file_that_records_no_segment_contradicts_a_saved_term()
    {
        var disk = Written(self: 1);
        ReplaceIdentity(disk, newest: 0);
        for (var sequence = 1UL; sequence <= 3; sequence++)
            disk.Delete(Segment.NameOf(sequence));

        var error = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, _options));
        Assert.Contains("it records no segment", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3UL)]
    [InlineData(2UL)]
    [InlineData(1UL)]
    public void Segments_that_were_deleted_from_the_end_are_missed(ulong firstDeleted)
    {
        var disk = Written(self: 1);
        for (var sequence = firstDeleted; sequence <= 3; sequence++)
            disk.Delete(Segment.NameOf(sequence));

        var error = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, _options));

        Assert.Equal(Segment.NameOf(3), error.File);
        Assert.Contains("records it as the newest segment", error.Message, StringComparison.Ordinal);
        Assert.Contains("put it back", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A process may end between the creation of a segment and its record. Nothing was written to that segment.</summary>
    [Fact]
    public void A_segment_that_is_not_recorded_and_holds_nothing_is_used()
    {
        var disk = Written(self: 1);
        using (var allocator = new SegmentAllocator(disk, _options, Given.Identity(disk)))
            allocator.Take(4).Dispose();
        ReplaceIdentity(disk, newest: 3);

        using (var log = Given.OpenLog(disk, _options).Log)
        {
            Assert.Equal(4UL, Given.Identity(disk).NewestSegment);
            log.AppendAndFlush(Given.Batch(_options, Given.Entries(31, 60, payloadBytes: 1000)));
        }

        using var again = Given.OpenLog(disk, _options).Log;
        Assert.Equal(new LogIndex(60), again.LastIndex);
    }

    /// <summary>The record is on disk before the first entry of a segment, and the name of the segment before the record.</summary>
    [Fact]
    public void A_segment_is_recorded_after_its_name_is_durable_and_before_it_is_used()
    {
        var disk = new MemoryStorage();
        using var log = Given.OpenLog(disk, _options).Log;
        var calls = new List<string>();
        disk.BeforeCall = calls.Add;
        log.AppendAndFlush(Given.Batch(_options, Given.Entries(1, 20, term: 0, payloadBytes: 1000)));

        var renamed = calls.IndexOf("rename wal-next.new");
        Assert.Equal(
            ["rename wal-next.new", "flush directory", "create identity.new", "write identity.new", "flush identity.new",
                "rename identity.new", "flush directory", "create identity-copy.new", "write identity-copy.new",
                "flush identity-copy.new", "rename identity-copy.new", "flush directory", $"write {Segment.NameOf(2)}"],
            calls[renamed..(renamed + 13)]);
    }

    [Theory]
    [InlineData("hardstate")]
    [InlineData("wal-0000000000000002.log")]
    public void A_file_of_an_unreleased_format_is_rejected_in_words(string name)
    {
        var disk = Written(self: 1);
        var bytes = disk.BytesOf(name);
        if (name == HardStateFile.Name)
        {
            for (var copy = 0; copy < 4; copy++)
                SetVersion(bytes.AsSpan(copy * 4096, HardStateCopy.Bytes), 1, (uint)copy);
        }
        else
        {
            SetVersion(bytes.AsSpan(0, SegmentHeader.Bytes), 1, 0);
        }

        var error = Assert.Throws<IOException>(() => Given.OpenLog(disk, _options));

        Assert.Contains($"{name} has format 1: the data directory was written by an unreleased version of Quorate", error.Message,
            StringComparison.Ordinal);
        Assert.Contains("start with an empty data directory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_later_format_is_rejected_in_words()
    {
        var disk = Written(self: 1);
        SetVersion(disk.BytesOf(Segment.NameOf(1)).AsSpan(0, SegmentHeader.Bytes), 3, 0);

        var error = Assert.Throws<StorageVersionException>(() => Given.OpenLog(disk, _options));

        Assert.Contains("has format 3; this build reads format 2", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Later builds keep several groups in one log; this one must not take entries of another group for its own.</summary>
    [Fact]
    public void A_frame_of_another_group_is_rejected_in_words()
    {
        var disk = Written(self: 1);
        var bytes = disk.BytesOf(Segment.NameOf(1));
        var nonce = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24));
        Assert.True(WalFrameHeader.TryRead(bytes.AsSpan(Sectors.Bytes), nonce, Sectors.Bytes, out var header));
        Assert.Equal(GroupId.First, header.Group);
        var (records, other) = (bytes.AsSpan(Sectors.Bytes + WalFrameHeader.Bytes, 100).ToArray(), header with { Group = new GroupId(2) });
        other.Write(bytes.AsSpan(Sectors.Bytes), nonce, Sectors.Bytes);
        Assert.Equal(records, bytes.AsSpan(Sectors.Bytes + WalFrameHeader.Bytes, 100).ToArray());

        var error = Assert.Throws<IOException>(() => Given.OpenLog(disk, _options));

        Assert.Contains("a frame of Raft group 2 at byte 512", error.Message, StringComparison.Ordinal);
    }

    // 30 entries in three segments, and term 2.
    private static MemoryStorage Written(ulong self)
    {
        var disk = new MemoryStorage();
        using var log = WriteAheadLog.Open(disk, _options, Given.Identity(disk, self)).Log;
        var batch = Given.Batch(_options, Given.Entries(1, 30, payloadBytes: 1000));
        batch.SetHardState(Given.Vote(2, 1));
        log.AppendAndFlush(batch);
        Assert.Equal(
            ["hardstate", "hardstate-copy", "identity", "identity-copy", Segment.NameOf(1), Segment.NameOf(2), Segment.NameOf(3)],
            disk.List());
        return disk;
    }

    private static void ReplaceIdentity(MemoryStorage disk, ulong newest)
    {
        var bytes = IdentityFormat.Encode(IdentityFormat.Decode(disk.BytesOf(IdentityFile.Name)).With(newestSegment: newest));
        AtomicFile.Replace(disk, IdentityFile.Name, bytes);
        AtomicFile.Replace(disk, IdentityFile.CopyName, bytes);
    }

    private static void SetVersion(Span<byte> header, uint version, uint seal)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], version);
        BinaryPrimitives.WriteUInt32LittleEndian(header, Crc32C.Of(header[4..]) ^ seal);
    }
}
