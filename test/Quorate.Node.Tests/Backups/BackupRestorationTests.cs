using Quorate.Node.Backups;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Snapshots;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Backups;

/// <summary>A restored data directory is complete, or recognized as unfinished, whenever the power is lost.</summary>
public sealed class BackupRestorationTests
{
    private static readonly byte[] Content = SnapshotGiven.Content(7, 200_000);

    [Fact]
    public void A_restored_directory_has_the_content_the_new_members_and_the_last_entry()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        var disk = new MemoryStorage();

        BackupFile.Restore(file.Path, BackupGiven.Options("data", disk));

        AssertRestored(disk);
        Assert.Equal(0, disk.OpenFiles);
    }

    [Fact]
    public void A_restored_directory_of_files_is_complete_and_belongs_to_its_member()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));

        BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath));

        var identity = DataDirectoryIdentity.Read(file.DirectoryPath)!;
        Assert.Equal((BackupGiven.NewClusterId, new NodeId(8)), (identity.ClusterId, identity.MemberId));
        Assert.Equal("n8", identity.Attributes["name"]);
        Assert.Equal(ClusterVersion.Current, identity.Version);
        using var storage = new FileStorage(file.DirectoryPath);
        var store = SnapshotStore.Open(storage, BackupGiven.NewClusterId, GroupId.First, new SnapshotOptions());
        Assert.Equal(Content, SnapshotGiven.Read(store, store.Newest!));
    }

    /// <summary>A build without snapshots would start in the directory as an empty member.</summary>
    [Fact]
    public void A_directory_of_a_version_without_snapshots_is_not_restored_to()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        var options = BackupGiven.Options(file.DirectoryPath) with { ClusterVersionMax = ClusterVersion.Oldest };

        var error = Assert.Throws<ArgumentException>(() => BackupFile.Restore(file.Path, options));

        Assert.Contains("needs version 0.2", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(file.DirectoryPath));
    }

    [Fact]
    public void A_conversion_replaces_the_content()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes([1, 2, 3]));
        var disk = new MemoryStorage();

        BackupFile.Restore(file.Path, BackupGiven.Options("data", disk), static content => new SnapshotGiven.ScriptedView(
            destination => destination.Write(BackupGiven.Read(content).Select(static b => (byte)(b + 1)).ToArray())));

        var store = SnapshotStore.Open(disk, BackupGiven.NewClusterId, GroupId.First, new SnapshotOptions());
        Assert.Equal([2, 3, 4], SnapshotGiven.Read(store, store.Newest!));
    }

    [Fact]
    public void A_directory_that_is_not_empty_is_refused_and_unchanged()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        Directory.CreateDirectory(file.DirectoryPath);
        File.WriteAllText(Path.Combine(file.DirectoryPath, "something"), "else");

        var error = Assert.Throws<IOException>(() => BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath)));

        Assert.Contains("is not empty: it contains something", error.Message, StringComparison.Ordinal);
        Assert.Equal(["something"], Directory.EnumerateFileSystemEntries(file.DirectoryPath).Select(Path.GetFileName));
    }

    /// <summary>The root of a volume contains lost+found, and the file "lock" is left by a restoration that failed at once.</summary>
    [Fact]
    public void The_root_of_an_empty_volume_is_a_directory_to_restore_to()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        Directory.CreateDirectory(Path.Combine(file.DirectoryPath, "lost+found"));
        File.WriteAllText(Path.Combine(file.DirectoryPath, "lock"), "");

        BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath));

        Assert.NotNull(DataDirectoryIdentity.Read(file.DirectoryPath));
    }

    [Fact]
    public void A_restored_directory_is_not_restored_to_again()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath));
        var before = File.ReadAllBytes(Path.Combine(file.DirectoryPath, "identity"));

        Assert.Throws<IOException>(() => BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath)));

        Assert.Equal(before, File.ReadAllBytes(Path.Combine(file.DirectoryPath, "identity")));
    }

    [Theory]
    [InlineData(MemoryStoragePowerLossOutcome.Dropped)]
    [InlineData(MemoryStoragePowerLossOutcome.Kept)]
    [InlineData(MemoryStoragePowerLossOutcome.Mixed)]
    public void A_power_loss_at_any_call_leaves_a_complete_directory_or_one_that_is_refused_or_empty(MemoryStoragePowerLossOutcome outcome)
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        var (refused, empty, cuts) = (0, 0, 0);
        for (; RestoreUntilPowerLoss(file.Path, cuts, out var disk); cuts++)
        {
            foreach (var left in new[] { disk.CopyAfterPowerLoss(outcome, cuts), disk })
            {
                // An identity is the last file of a restoration: with it, everything is there.
                if (left.List().Contains("identity"))
                    AssertRestored(left);
                else if (Start(left) is not null)
                    refused++;
                else
                    empty++;
            }
        }

        Assert.True(cuts > 8, $"only {cuts} calls to cut power at");
        Assert.True(refused > 0, "no unfinished directory was refused");
        Assert.True(empty > 0, "no directory was empty");
    }

    [Fact]
    public void A_process_that_is_killed_leaves_what_the_next_start_and_the_next_restoration_name()
    {
        using var file = new TemporaryFile(BackupGiven.Bytes(Content));
        Directory.CreateDirectory(file.DirectoryPath);
        File.WriteAllBytes(Path.Combine(file.DirectoryPath, "snapshot-0000000000000102-0000000000000001.new"), [1]);

        using (var storage = new FileStorage(file.DirectoryPath))
        {
            var start = Assert.Throws<IOException>(() => IdentityFile.Open(
                storage, BackupGiven.NewClusterId, new NodeId(8), new Configuration([new NodeId(8)])));
            Assert.Contains("the restoration of a backup was interrupted", start.Message, StringComparison.Ordinal);
        }

        var again = Assert.Throws<IOException>(() => BackupFile.Restore(file.Path, BackupGiven.Options(file.DirectoryPath)));
        Assert.Contains("holds a restoration that was interrupted", again.Message, StringComparison.Ordinal);
    }

    private static bool RestoreUntilPowerLoss(string path, int call, out MemoryStorage disk)
    {
        var calls = 0;
        disk = new MemoryStorage
        {
            BeforeCall = _ =>
            {
                if (calls++ >= call)
                    throw new PowerLossException();
            },
        };
        try
        {
            BackupFile.Restore(path, BackupGiven.Options("data", disk));
            return false;
        }
        catch (PowerLossException)
        {
            return true;
        }
        finally
        {
            disk.BeforeCall = null;
        }
    }

    /// <summary>Opens the directory as the start of a member does; returns why it is refused.</summary>
    private static string? Start(MemoryStorage disk)
    {
        try
        {
            IdentityFile.Open(disk, BackupGiven.NewClusterId, new NodeId(8), new Configuration([new(7), new(8), new(9)]));
            return null;
        }
        catch (IOException refused)
        {
            return refused.Message;
        }
    }

    private static void AssertRestored(MemoryStorage disk)
    {
        Assert.Null(Start(disk));
        var store = SnapshotStore.Open(disk, BackupGiven.NewClusterId, GroupId.First, new SnapshotOptions());
        Assert.Empty(store.Corruptions);
        Assert.NotNull(store.Newest);
        Assert.Equal(BackupGiven.Last, store.Newest.Last);
        Assert.Equal("(7 8 9)", store.Newest.Configuration.ToString());
        Assert.Equal(Content, SnapshotGiven.Read(store, store.Newest));
    }
}
