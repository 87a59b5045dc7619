
namespace Quorate.Node.Tests.Storage;

/// <summary>
/// With the real system calls: a flush that the operating system reports as failed must be detected. .NET's own flush reports success here.
/// </summary>
public sealed class SystemCallFailureTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-eio-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>
    /// Calls 1 and 2 create the identity and its copy, 3 to 6 create and open term and vote and their copy, 7 creates the first segment, 8
    /// and 9 record it in the identity, 10 opens it; after that there is one call per flush.
    /// </summary>
    [Fact]
    public void A_failed_fdatasync_stops_the_log_and_is_never_retried()
    {
        var (output, calls) = WalChildProcess.Run(_directory, "fdatasync:error=EIO:when=14");

        Assert.Equal(["opened", "durable 1", "durable 2", "durable 3"], output[..4]);
        Assert.StartsWith("4 DiskFlushException: fdatasync failed for ", output[4], StringComparison.Ordinal);
        Assert.All(output[5..],
            static line =>
                Assert.Contains("InvalidOperationException: The write-ahead log rejects every call", line, StringComparison.Ordinal));
        Assert.Equal(9, output.Length);
        Assert.Contains("EIO", calls[^1], StringComparison.Ordinal);
        Assert.Equal(14, calls.Count(static call => call.Contains("fdatasync(", StringComparison.Ordinal)));
    }

    /// <summary>A power cut can lose a file name that was not flushed, as it can lose content.</summary>
    [Fact]
    public void A_failed_fsync_of_the_directory_is_reported()
    {
        // The first call flushes the parent of the new directory, the second the name of the identity file.
        var (output, calls) = WalChildProcess.Run(_directory, "fsync:error=EIO:when=2");

        Assert.StartsWith("DiskFlushException: fsync failed for ", Assert.Single(output), StringComparison.Ordinal);
        Assert.Contains("EIO", calls[^1], StringComparison.Ordinal);
    }

    /// <summary>
    /// A directory entry made by a process that ended before its flush is visible but perhaps not durable: nothing may be built on it.
    /// </summary>
    [Fact]
    public void The_parent_of_an_existing_data_directory_is_flushed()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "log"));

        var (output, calls) = WalChildProcess.Run(_directory, "fsync:error=EIO:when=1");

        Assert.StartsWith($"DiskFlushException: fsync failed for {_directory} ", Assert.Single(output), StringComparison.Ordinal);
        Assert.Single(calls);
    }

    [Fact]
    public void Every_parent_of_a_new_directory_is_flushed()
    {
        var (_, calls) = WalChildProcess.Run(_directory, "fsync:error=EIO:when=99", Path.Combine("a", "b", "c"));

        // One call each for a/b, a and the parent of a; then for the names in c: the identity and its copy, term and vote and their copy,
        // the segment, the identity and its copy that record it, and all of them when the log is opened.
        Assert.Equal(11,
            calls.Count(static call => call.Contains("fsync(", StringComparison.Ordinal)
                && !call.Contains("fdatasync(", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_full_disk_error_names_the_file_and_the_remedy()
    {
        var (output, _) = WalChildProcess.Run(_directory, "fallocate:error=ENOSPC:when=2");

        var line = Assert.Single(output);
        Assert.StartsWith("IOException: Cannot create ", line, StringComparison.Ordinal);
        Assert.Contains("has free space", line, StringComparison.Ordinal);
    }
}
