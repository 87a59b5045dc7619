using System.Runtime.CompilerServices;
using System.Text;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Storage;

/// <summary>
/// docs/formats/identity.md: a data directory has the version of its cluster. A build refuses one of a later version and changes nothing in
/// it, and leaves one of an earlier version in the earlier format, so that the earlier build can be started in it again.
/// </summary>
/// <remarks>QUORATE_REWRITE=1 rewrites the golden file of format 2, for a new version only.</remarks>
public sealed class StorageVersionTests
{
    private static readonly NodeId Self = new(0xA1);
    private static readonly Configuration Members = new([Self, new NodeId(0xB2), new NodeId(0xC3)]);

    [Theory]
    [InlineData("identity-v1.txt", "0.1", 0)]
    [InlineData("identity-v2.txt", "0.2", 57)]
    public void The_golden_files_decode_and_encode_to_the_same_bytes(string file, string version, ulong index)
    {
        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1" && file == "identity-v2.txt")
        {
            var upgraded = IdentityFormat.Decode(Golden("identity-v1.txt")).With(version: (Version("0.2"), new LogIndex(57)));
            File.WriteAllBytes(PathOf(file), IdentityFormat.Encode(upgraded));
        }

        var identity = IdentityFormat.Decode(Golden(file));

        Assert.Equal((Version(version), new LogIndex(index)), (identity.Version, identity.VersionIndex));
        Assert.Equal((0xC0DEUL, Self, 1UL), (identity.ClusterId, identity.MemberId, identity.NewestSegment));
        Assert.Equal(Encoding.UTF8.GetString(Golden(file)), Encoding.UTF8.GetString(IdentityFormat.Encode(identity)));
    }

    [Fact]
    public void A_directory_of_a_newer_version_is_refused_and_not_changed()
    {
        var (disk, newer) = (new MemoryStorage(), new ClusterVersion(0, (ushort)(ClusterVersion.Current.Minor + 1)));
        Create(disk, versionMax: newer).TryRecordPeer(new NodeId(0xB2), new DirectoryId(22));
        disk.Create(IdentityFile.Name + ".new", 10).Dispose();
        var (bytes, calls) = (disk.BytesOf(IdentityFile.Name).ToArray(), disk.Calls);

        var error = Assert.Throws<StorageVersionException>(() => Create(disk));

        Assert.Contains(
            $"has version {newer}, and this member supports versions up to {ClusterVersion.Current}", error.Message,
            StringComparison.Ordinal);
        Assert.Contains("A newer build has written it", error.Message, StringComparison.Ordinal);
        Assert.Contains("Start the build that wrote it, or a newer one", error.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, disk.BytesOf(IdentityFile.Name));
        Assert.Equal(calls, disk.Calls);
    }

    [Fact]
    public void A_limit_of_the_version_that_comes_too_late_is_refused_in_words()
    {
        var disk = new MemoryStorage();
        Create(disk);

        var error = Assert.Throws<StorageVersionException>(() => Create(disk, ClusterVersion.Oldest));

        Assert.Contains("Start without the option", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A build of version 0.1 refuses format 2, and reads format 1.</summary>
    [Fact]
    public void A_directory_of_the_oldest_version_stays_in_its_format_until_the_version_of_the_cluster_rises()
    {
        var disk = new MemoryStorage();
        Create(disk, ClusterVersion.Oldest);
        var identity = Create(disk);
        identity.TryRecordPeer(new NodeId(0xB2), new DirectoryId(22));
        Assert.StartsWith("quorate identity 1\n", Text(disk), StringComparison.Ordinal);
        Assert.Equal(ClusterVersion.Oldest, identity.Identity.Version);

        Assert.True(identity.TryRecordVersion(Version("0.2"), new LogIndex(9)));

        Assert.StartsWith("quorate identity 2\n", Text(disk), StringComparison.Ordinal);
        Assert.Equal((Version("0.2"), new LogIndex(9)), (Create(disk).Identity.Version, Create(disk).Identity.VersionIndex));
        Assert.False(Create(disk).TryRecordPeer(new NodeId(0xB2), new DirectoryId(23)));
    }

    /// <summary>After a restart the member applies entries again that it had applied before.</summary>
    [Fact]
    public void An_entry_that_was_applied_before_does_not_set_the_version_again()
    {
        var disk = new MemoryStorage();
        var identity = Create(disk, ClusterVersion.Oldest);
        Assert.True(identity.TryRecordVersion(Version("0.2"), new LogIndex(5)));
        Assert.True(identity.TryRecordVersion(Version("0.1"), new LogIndex(8)));

        Assert.False(identity.TryRecordVersion(Version("0.2"), new LogIndex(5)));

        Assert.Equal(Version("0.1"), identity.Identity.Version);
    }

    [Theory]
    [InlineData("0.1", true)]
    [InlineData("10.20", true)]
    [InlineData("65535.0", true)]
    [InlineData("65536.0", false)]
    [InlineData("0.1.0", false)]
    [InlineData("0", false)]
    [InlineData("0.", false)]
    [InlineData("0.01", false)]
    [InlineData(" 0.1", false)]
    [InlineData("-1.0", false)]
    public void A_version_has_one_spelling(string text, bool isValid)
    {
        Assert.Equal(isValid, ClusterVersion.TryParse(text, out var version));
        if (isValid)
            Assert.Equal(text, version.ToString());
    }

    /// <summary>A build that states another version to its peers than to its operator would mislead both.</summary>
    [Fact]
    public void The_current_version_is_that_of_the_build()
    {
        var build = typeof(ClusterVersion).Assembly.GetName().Version!;
        Assert.Equal(new ClusterVersion((ushort)build.Major, (ushort)build.Minor), ClusterVersion.Current);
    }

    private static IdentityFile Create(MemoryStorage disk, ClusterVersion? versionMax = null) =>
        IdentityFile.Open(disk, 0xC0DE, Self, Members, versionMax: versionMax);

    private static ClusterVersion Version(string text) => ClusterVersion.TryParse(text, out var version) ? version : default;

    private static string Text(MemoryStorage disk) => Encoding.UTF8.GetString(disk.BytesOf(IdentityFile.Name));

    private static byte[] Golden(string file) => File.ReadAllBytes(PathOf(file));

    private static string PathOf(string file, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", file);
}
