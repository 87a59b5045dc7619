using Quorate.Node.Io;
using Quorate.Node.Tests.Wal;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Io;

/// <summary>The real folder behind <see cref="IDisk"/>.</summary>
public sealed class FileDiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quorate-disk-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_at_a_place_is_read_from_there()
    {
        using var disk = new FileDisk(_folder);
        using (var file = disk.Create("a", 1000))
        {
            Assert.Equal(1000, file.Length);
            file.Write(998, "quorate"u8);
            file.Flush();
        }

        disk.Rename("a", "b");
        disk.FlushFolder();

        using var again = disk.Open("b");
        var bytes = new byte[20];
        Assert.Equal(["b"], disk.List());
        Assert.Equal(1005, again.Length);
        Assert.Equal(15, again.Read(990, bytes));
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, .. "quorate"u8, 0, 0, 0, 0, 0], bytes);
        again.SetLength(3);
        Assert.Equal(0, again.Read(3, bytes));
        disk.Delete("b");
        Assert.Empty(disk.List());
    }

    [Fact]
    public void A_folder_that_is_not_there_is_made_for_its_owner_alone()
    {
        var folder = Path.Combine(_folder, "x", "y");
        using var disk = new FileDisk(folder);

        Assert.True(Directory.Exists(folder));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
    }

    [Fact]
    public void A_folder_is_open_once_and_the_error_says_what_to_do()
    {
        using (var first = new FileDisk(_folder))
        {
            var error = Assert.Throws<IOException>(() => new FileDisk(_folder));
            Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
            Assert.Contains("Two processes in one folder", error.Message, StringComparison.Ordinal);
        }

        using var second = new FileDisk(_folder);
        Assert.Empty(second.List());
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    public void A_name_stays_within_the_folder(string name)
    {
        using var disk = new FileDisk(_folder);
        Assert.ThrowsAny<ArgumentException>(() => disk.Create(name, 1));
    }

    [Fact]
    public void A_missing_file_and_a_file_that_is_there_already_are_named()
    {
        using var disk = new FileDisk(_folder);
        disk.Create("here", 1).Dispose();

        Assert.Contains(Path.Combine(_folder, "nowhere"), Assert.Throws<IOException>(() => disk.Open("nowhere")).Message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder, "here"), Assert.Throws<IOException>(() => disk.Create("here", 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_in_a_real_folder_comes_back_with_segments_made_in_the_background()
    {
        var options = new WalOptions { SegmentBytes = 64 * 1024, PayloadBytesMax = 4096 };
        using (var disk = new FileDisk(_folder))
        {
            using var log = WriteAheadLog.Open(disk, options).Log;
            for (ulong index = 1; index <= 200; index += 10)
                log.Commit(Given.Batch(options, Given.Entries(index, index + 9, term: 0, payloadBytes: 1000)));
        }

        using var reopened = new FileDisk(_folder);
        var (again, recovered) = WriteAheadLog.Open(reopened, options);
        using var _ = again;

        Assert.Equal(new LogIndex(200), recovered.LastIndex);
        Given.Same(Given.Entries(1, 200, term: 0, payloadBytes: 1000), Given.AllOf(again));
        Assert.True(reopened.List().Count(static name => name.StartsWith("wal-", StringComparison.Ordinal)) >= 4);
    }
}
