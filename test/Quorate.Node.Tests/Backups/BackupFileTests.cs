using Quorate.Node.Backups;
using Quorate.Node.Tests.Snapshots;

namespace Quorate.Node.Tests.Backups;

/// <summary>docs/formats/backup.md: what is written is read back, and what is not as it was written is rejected.</summary>
public sealed class BackupFileTests
{
    private const int ChunkBytesOnDisk = 65_544;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(300_000)]
    public void A_backup_is_read_as_it_was_written(int length)
    {
        var content = SnapshotGiven.Content(7, length);
        using var backup = new Backup(
            SnapshotGiven.ClusterId, BackupGiven.Last, SnapshotGiven.Configuration, new SnapshotGiven.View(content));
        using var file = new TemporaryFile(BackupGiven.Write(backup));

        var info = BackupFile.Verify(file.Path);

        Assert.Equal(new FileInfo(file.Path).Length, backup.MeasureBytes());
        Assert.Equal(backup.MeasureBytes(), info.FileBytes);
        Assert.Equal(BackupGiven.Last, info.Last);
        Assert.Equal(SnapshotGiven.ClusterId, info.ClusterId);
        Assert.Equal(SnapshotGiven.Configuration.ToString(), info.Configuration.ToString());
        Assert.Equal(length, info.ContentBytes);
        Assert.Equal(content, BackupFile.ReadContent(file.Path, static (_, stream) => BackupGiven.Read(stream)));
    }

    /// <summary>etcd's clients reject a snapshot of another shape.</summary>
    [Fact]
    public void A_backup_has_whole_sectors_and_ends_with_the_SHA_256_of_everything_before()
    {
        var bytes = BackupGiven.Bytes(SnapshotGiven.Content(7, 1234));

        Assert.Equal(32, bytes.Length % 512);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(bytes[..^32]), bytes[^32..]);
    }

    [Fact]
    public void Two_backups_of_one_state_have_different_ids()
    {
        using var first = new TemporaryFile(BackupGiven.Bytes([1, 2, 3]));
        using var second = new TemporaryFile(BackupGiven.Bytes([1, 2, 3]));

        Assert.NotEqual(BackupFile.Verify(first.Path).Id, BackupFile.Verify(second.Path).Id);
    }

    [Fact]
    public void Every_flipped_byte_is_rejected_and_nothing_is_restored()
    {
        var bytes = BackupGiven.Bytes(SnapshotGiven.Content(7, 600));
        using var file = new TemporaryFile(bytes);
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 0x10;
            file.Write(bytes);
            AssertRejected(file, $"byte {at} was changed");
            bytes[at] ^= 0x10;
        }
    }

    [Fact]
    public void A_flipped_byte_in_any_chunk_is_reported_with_its_chunk()
    {
        var bytes = BackupGiven.Bytes(SnapshotGiven.Content(7, 300_000));
        using var file = new TemporaryFile(bytes);
        for (var chunk = 0; chunk < 5; chunk++)
        {
            // Behind the header, the configuration and a part of the first chunk.
            var at = 1000 + (chunk * ChunkBytesOnDisk);
            bytes[at] ^= 1;
            file.Write(bytes);

            var error = Assert.Throws<BackupCorruptionException>(() => BackupFile.Verify(file.Path));
            Assert.Contains($"chunk {chunk} fails verification", error.Message, StringComparison.Ordinal);
            Assert.Contains(file.Path, error.Message, StringComparison.Ordinal);
            Assert.InRange(at - error.Offset, 0, ChunkBytesOnDisk);
            bytes[at] ^= 1;
        }
    }

    [Fact]
    public void Every_truncation_and_extension_is_rejected()
    {
        var bytes = BackupGiven.Bytes(SnapshotGiven.Content(7, 1500));
        using var file = new TemporaryFile(bytes);
        for (var length = 0; length < bytes.Length; length++)
        {
            file.Write(bytes[..length]);
            AssertRejected(file, $"it was truncated to {length} bytes");
        }

        foreach (var more in new[] { 1, 32, 512, 544 })
        {
            file.Write([.. bytes, .. new byte[more]]);
            AssertRejected(file, $"it was extended by {more} bytes");
        }
    }

    [Fact]
    public void A_truncated_backup_is_distinguished_from_a_file_that_is_none()
    {
        var bytes = BackupGiven.Bytes(SnapshotGiven.Content(7, 1500));
        using var file = new TemporaryFile(bytes[..^100]);
        Assert.Contains(
            "truncated", Assert.Throws<BackupCorruptionException>(() => BackupFile.Verify(file.Path)).Message, StringComparison.Ordinal);

        file.Write("a text"u8.ToArray());
        var none = Assert.Throws<IOException>(() => BackupFile.Verify(file.Path));
        Assert.Contains("is not a backup", none.Message, StringComparison.Ordinal);

        // The first page of a bbolt file has this magic number.
        var bolt = new byte[4096];
        BitConverter.TryWriteBytes(bolt.AsSpan(16), 0xED0CDAED);
        file.Write(bolt);
        var etcd = Assert.Throws<IOException>(() => BackupFile.Verify(file.Path));
        Assert.Contains("snapshot of etcd", etcd.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backup_of_a_later_format_is_refused_by_its_number()
    {
        var bytes = BackupGiven.Bytes([1, 2, 3]);
        var trailer = bytes.AsSpan(bytes.Length - 544, 512);
        BitConverter.TryWriteBytes(trailer[8..], 2);
        BitConverter.TryWriteBytes(trailer, Node.Storage.Crc32C.Of(trailer[4..]));
        using var file = new TemporaryFile(bytes);

        var error = Assert.Throws<IOException>(() => BackupFile.Verify(file.Path));

        Assert.Contains("has backup format 2, and this build reads format 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backup_that_its_destination_does_not_accept_fails_with_the_destinations_exception()
    {
        using var backup = new Backup(
            SnapshotGiven.ClusterId, BackupGiven.Last, SnapshotGiven.Configuration, new SnapshotGiven.View(new byte[200_000]));
        using var full = new MemoryStream(new byte[100_000], writable: true);

        Assert.Throws<NotSupportedException>(() => backup.WriteTo(full));
        Assert.Throws<OperationCanceledException>(() => backup.WriteTo(Stream.Null, new CancellationToken(canceled: true)));
        Assert.Throws<OperationCanceledException>(() => backup.MeasureBytes(new CancellationToken(canceled: true)));
    }

    private static void AssertRejected(TemporaryFile file, string how)
    {
        var accepted = true;
        try
        {
            BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath));
        }
        catch (IOException)
        {
            accepted = false;
        }

        Assert.False(accepted, $"the backup was accepted although {how}");
        Assert.False(Directory.Exists(file.DirectoryPath), $"a directory was created although {how}");
    }
}
