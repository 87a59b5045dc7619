using System.Runtime.CompilerServices;
using Quorate.Node.Backups;
using Quorate.Node.Tests.Snapshots;

namespace Quorate.Node.Tests.Backups;

/// <summary>docs/formats/backup.md: a backup of format 1 can always be read. It was written once, and its id is random.</summary>
public sealed class BackupGoldenFileTests
{
    [Fact]
    public void The_golden_file_of_format_1_is_read()
    {
        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllBytes(PathOfGolden(), BackupGiven.Bytes(Content()));

        var info = BackupFile.Verify(PathOfGolden());

        Assert.Equal(BackupGiven.Last, info.Last);
        Assert.Equal(SnapshotGiven.ClusterId, info.ClusterId);
        Assert.Equal(SnapshotGiven.Configuration.ToString(), info.Configuration.ToString());
        Assert.Equal(Content(), BackupFile.ReadContent(PathOfGolden(), static (_, content) => BackupGiven.Read(content)));
    }

    /// <summary>Everything but the random id, and the checksums that depend on it.</summary>
    [Fact]
    public void A_backup_has_the_layout_of_the_golden_file()
    {
        var golden = File.ReadAllBytes(PathOfGolden());
        var written = BackupGiven.Bytes(Content());

        Assert.Equal(golden.Length, written.Length);
        Assert.Equal(Convert.ToHexString(golden[24..512]), Convert.ToHexString(written[24..512]));
        Assert.Equal(Convert.ToHexString(golden[^544..^32]), Convert.ToHexString(written[^544..^32]));
    }

    private static byte[] Content() => [.. "quorate backup "u8, .. Enumerable.Range(0, 150).Select(static i => (byte)i)];

    private static string PathOfGolden([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", "backup-v1.bin");
}
