namespace Quorate.Node.Tests.Io;

/// <summary>
/// With the real system calls: a flush that the system reports as failed must be seen. .NET's own flush reports success here.
/// </summary>
public sealed class SystemCallFailureTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-eio-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>Call 1 is of making term and vote, 2 of opening them, 3 of the first segment, 4 of opening that; then one a commit.</summary>
    [Fact]
    public void A_failed_fdatasync_stops_the_log_and_is_never_retried()
    {
        var (said, calls) = LogChildProcess.Run(_directory, "fdatasync:error=EIO:when=8");

        Assert.Equal(["opened", "durable 1", "durable 2", "durable 3"], said[..4]);
        Assert.StartsWith("4 DiskFlushException: fdatasync failed for ", said[4], StringComparison.Ordinal);
        Assert.All(said[5..], static line => Assert.Contains("InvalidOperationException: The log refuses everything", line, StringComparison.Ordinal));
        Assert.Equal(9, said.Length);
        Assert.Contains("EIO", calls[^1], StringComparison.Ordinal);
        Assert.Equal(8, calls.Count(static call => call.Contains("fdatasync(", StringComparison.Ordinal)));
    }

    /// <summary>A name that may not be durable is as bad as content that may not be.</summary>
    [Fact]
    public void A_failed_fsync_of_the_directory_is_reported()
    {
        // The first is of the folder that holds the new folder, the second of the name of term and vote.
        var (said, calls) = LogChildProcess.Run(_directory, "fsync:error=EIO:when=2");

        Assert.StartsWith("DiskFlushException: fsync failed for ", Assert.Single(said), StringComparison.Ordinal);
        Assert.Contains("EIO", calls[^1], StringComparison.Ordinal);
    }

    /// <summary>What was made by a process that ended before it could flush is seen, and no more than that: nothing may be built on it.</summary>
    [Fact]
    public void The_name_of_an_existing_directory_is_flushed_too()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "log"));

        var (said, calls) = LogChildProcess.Run(_directory, "fsync:error=EIO:when=1");

        Assert.StartsWith($"DiskFlushException: fsync failed for {_directory} ", Assert.Single(said), StringComparison.Ordinal);
        Assert.Single(calls);
    }

    [Fact]
    public void Every_parent_of_a_new_directory_is_flushed()
    {
        var (_, calls) = LogChildProcess.Run(_directory, "fsync:error=EIO:when=99", Path.Combine("a", "b", "c"));

        // Of a/b, of a, of what holds a; then of the names in c: term and vote, the segment, and all of it when the log is opened.
        Assert.Equal(6, calls.Count(static call => call.Contains("fsync(", StringComparison.Ordinal) && !call.Contains("fdatasync(", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_full_disk_error_names_the_file_and_the_remedy()
    {
        var (said, _) = LogChildProcess.Run(_directory, "fallocate:error=ENOSPC:when=2");

        var line = Assert.Single(said);
        Assert.StartsWith("IOException: Cannot create ", line, StringComparison.Ordinal);
        Assert.Contains("has room", line, StringComparison.Ordinal);
    }
}
