using Quorate.Node.Storage;
using Quorate.Node.Tests.Wal;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Storage;

/// <summary>The real directory behind <see cref="IStorage"/>.</summary>
public sealed class FileStorageTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-disk-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Bytes_written_at_an_offset_are_read_from_that_offset()
    {
        using var disk = new FileStorage(_directory);
        using (var file = disk.Create("a", 1000))
        {
            Assert.Equal(1000, file.Length);
            file.Write(998, "quorate"u8);
            file.Flush();
        }

        disk.Rename("a", "b");
        disk.FlushDirectory();

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
    public void Files_are_listed_in_the_order_of_their_names()
    {
        using var disk = new FileStorage(_directory);
        var names = Enumerable.Range(0, 30).Select(static i => $"file-{i * 17 % 30:d2}").ToArray();
        foreach (var name in names)
            disk.Create(name, 1).Dispose();

        Assert.Equal(names.Order(StringComparer.Ordinal), disk.List());
    }

    /// <summary>A flush refers to the file by its descriptor; a reference that is not given back would keep the descriptor open.</summary>
    [Fact]
    public void Files_and_directories_that_were_flushed_are_closed()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using (var disk = new FileStorage(_directory))
        {
            using (var file = disk.Create("a", 4096))
            {
                file.Write(0, "quorate"u8);
                file.Flush();
                file.EvictFromPageCache();
                Assert.Single(DescriptorsOf(Path.Combine(_directory, "a")));
            }

            disk.FlushDirectory();
            Assert.Empty(DescriptorsOf(Path.Combine(_directory, "a")));
            Assert.Single(DescriptorsOf(_directory));
        }

        Assert.Empty(DescriptorsOf(_directory));
    }

    /// <summary>A descriptor that a child process inherits keeps the directory in use after this process has ended.</summary>
    [Fact]
    public void No_child_process_inherits_the_directory()
    {
        if (!OperatingSystem.IsLinux())
            return;
        const int CloseOnExec = 0x80000;
        using var disk = new FileStorage(_directory);

        var descriptor = Assert.Single(DescriptorsOf(_directory));
        var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}")
            .First(static line => line.StartsWith("flags:", StringComparison.Ordinal));
        Assert.NotEqual(0, Convert.ToInt32(flags["flags:".Length..].Trim(), 8) & CloseOnExec);
    }

    private static List<string> DescriptorsOf(string path) =>
    [
        .. Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Where(fd => new FileInfo(fd).LinkTarget == path)
            .Select(static fd => Path.GetFileName(fd)),
    ];

    [Fact]
    public void A_missing_directory_is_created_with_owner_only_access()
    {
        var path = Path.Combine(_directory, "x", "y");
        using var disk = new FileStorage(path);

        Assert.True(Directory.Exists(path));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
    }

    /// <summary>The root of a volume has the mode that the system gave it, so the mode of the files must suffice.</summary>
    [Fact]
    public void A_new_file_is_accessible_to_its_owner_only_whatever_the_mode_of_the_directory()
    {
        if (OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        using var disk = new FileStorage(_directory);
        disk.Create("a", 10).Dispose();
        disk.Rename("a", "b");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory, "lock")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory, "b")));
    }

    [Fact]
    public void A_directory_cannot_be_opened_twice()
    {
        using (var first = new FileStorage(_directory))
        {
            var error = Assert.Throws<IOException>(() => new FileStorage(_directory));
            Assert.Contains(_directory, error.Message, StringComparison.Ordinal);
            Assert.Contains("Two processes in one data directory", error.Message, StringComparison.Ordinal);
        }

        using var second = new FileStorage(_directory);
        Assert.Empty(second.List());
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    public void A_file_name_cannot_leave_the_directory(string name)
    {
        using var disk = new FileStorage(_directory);
        Assert.ThrowsAny<ArgumentException>(() => disk.Create(name, 1));
    }

    [Fact]
    public void An_open_or_create_error_names_the_path_of_the_file()
    {
        using var disk = new FileStorage(_directory);
        disk.Create("here", 1).Dispose();

        Assert.Contains(Path.Combine(_directory, "nowhere"), Assert.Throws<IOException>(() => disk.Open("nowhere")).Message,
            StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_directory, "here"), Assert.Throws<IOException>(() => disk.Create("here", 1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_on_real_files_survives_a_restart_with_preallocated_segments()
    {
        var options = new WalOptions { SegmentBytes = 64 * 1024, PayloadBytesMax = 4096 };
        using (var disk = new FileStorage(_directory))
        {
            using var log = Given.OpenLog(disk, options).Log;
            for (ulong index = 1; index <= 200; index += 10)
                log.AppendAndFlush(Given.Batch(options, Given.Entries(index, index + 9, term: 0, payloadBytes: 1000)));
        }

        using var reopened = new FileStorage(_directory);
        var (again, recovered) = Given.OpenLog(reopened, options);
        using var _ = again;

        Assert.Equal(new LogIndex(200), recovered.LastIndex);
        Given.AssertSameEntries(Given.Entries(1, 200, term: 0, payloadBytes: 1000), Given.ReadAll(again));
        Assert.True(reopened.List().Count(static name => name.StartsWith("wal-", StringComparison.Ordinal)) >= 4);
    }
}
