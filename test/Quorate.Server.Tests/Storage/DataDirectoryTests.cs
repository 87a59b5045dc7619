using Quorate.Server.Storage;

namespace Quorate.Server.Tests.Storage;

/// <summary>A member with another member's data would vote twice: a data directory opens only for the member it was created for.</summary>
public sealed class DataDirectoryTests
{
    private const string Cluster = "--initial-cluster=n0=http://127.0.0.1:1,n1=http://127.0.0.1:2";

    [Fact]
    public void A_data_directory_opens_again_for_its_member()
    {
        using var temporary = new TemporaryDirectory();
        string[] flags = ["--name=n0", Cluster, $"--data-dir={temporary.Path}/d"];
        Open(flags).Dispose();

        using var again = Open(flags);

        Assert.Equal("n0", again.Settings.Self.Name);
    }

    [Fact]
    public void Without_member_flags_the_members_come_from_the_data_directory()
    {
        using var temporary = new TemporaryDirectory();
        Open("--name=n1", Cluster, "--initial-cluster-token=tok", $"--data-dir={temporary.Path}/d").Dispose();

        using var again = Open($"--data-dir={temporary.Path}/d", "--initial-cluster-state=existing");

        Assert.Equal("n1", again.Settings.Name);
        Assert.Equal(ServerFixture.ParseSettings("--name=n1", Cluster, "--initial-cluster-token=tok").ClusterId, again.Settings.ClusterId);
    }

    [Theory]
    [InlineData("--name=n1", Cluster)]
    [InlineData("--name=n0", "--initial-cluster=n0=http://127.0.0.1:1")]
    [InlineData("--name=n0", Cluster, "--initial-cluster-token=other")]
    public void Another_member_or_another_cluster_is_rejected(params string[] flags)
    {
        using var temporary = new TemporaryDirectory();
        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();

        var error = Assert.Throws<StartupException>(() => Open([.. flags, $"--data-dir={temporary.Path}/d"]));

        Assert.Equal(StartupErrorKind.Failed, error.Kind);
        Assert.Contains("belongs to another member", error.What);
        Assert.Contains("n0=http://127.0.0.1:1,n1=http://127.0.0.1:2", error.Why);
    }

    [Fact]
    public void A_data_directory_in_use_is_rejected()
    {
        using var temporary = new TemporaryDirectory();
        string[] flags = ["--name=n0", Cluster, $"--data-dir={temporary.Path}/d"];
        using var first = Open(flags);

        Assert.Contains("cannot be used", Assert.Throws<StartupException>(() => Open(flags)).What);
    }

    [Fact]
    public void A_data_directory_of_etcd_is_rejected_and_left_unchanged()
    {
        using var temporary = new TemporaryDirectory();
        Directory.CreateDirectory(temporary.Path + "/d/member/snap");

        var error = Assert.Throws<StartupException>(() => Open($"--data-dir={temporary.Path}/d"));

        Assert.Contains("etcd's data", error.What);
        Assert.Equal(["member"], Directory.EnumerateFileSystemEntries(temporary.Path + "/d").Select(e => Path.GetFileName(e)));
    }

    /// <summary>The names that docs/formats/wal.md and docs/formats/snapshot.md list.</summary>
    [Fact]
    public void The_files_of_a_node_are_not_foreign()
    {
        using var temporary = new TemporaryDirectory();
        var directory = temporary.Path + "/d";
        string[] flags = ["--name=n0", Cluster, $"--data-dir={directory}"];
        Open(flags).Dispose();
        foreach (var name in new[] { "hardstate", "reserve", "wal-0000000000000001.log", "wal-next.new", "snapshot-receiving" })
            File.WriteAllText($"{directory}/{name}", "");

        using var again = Open(flags);

        Assert.Empty(again.ForeignEntries);
    }

    /// <summary>The root of a volume contains <c>lost+found</c>, and file servers add directories of their own.</summary>
    [Fact]
    public void Foreign_files_and_directories_are_named_and_ignored()
    {
        using var temporary = new TemporaryDirectory();
        var directory = temporary.Path + "/d";
        Directory.CreateDirectory(directory + "/lost+found");
        Directory.CreateDirectory(directory + "/.snapshot");
        File.WriteAllText(directory + "/thesis.tex", "…");
        string[] flags = ["--name=n0", Cluster, $"--data-dir={directory}"];

        using (var created = Open(flags))
            Assert.Equal([".snapshot", "lost+found", "thesis.tex"], created.ForeignEntries);
        using var again = Open(flags);

        Assert.Equal([".snapshot", "lost+found", "thesis.tex"], again.ForeignEntries);
        Assert.Equal("…", File.ReadAllText(directory + "/thesis.tex"));
    }

    [Theory]
    [InlineData("hardstate")]
    [InlineData("wal-0000000000000001.log")]
    public void A_log_without_an_identity_file_is_rejected(string file)
    {
        using var temporary = new TemporaryDirectory();
        Directory.CreateDirectory(temporary.Path + "/d");
        File.WriteAllText($"{temporary.Path}/d/{file}", "");

        var error = Assert.Throws<StartupException>(() => Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d"));

        Assert.Contains("Corruption in identity", error.Why);
    }

    [Theory]
    [InlineData("raft")]
    [InlineData("identity.json")]
    public void A_data_directory_of_an_unreleased_version_is_rejected_and_left_unchanged(string entry)
    {
        using var temporary = new TemporaryDirectory();
        Directory.CreateDirectory($"{temporary.Path}/d/{entry}");

        var error = Assert.Throws<StartupException>(() => Open($"--data-dir={temporary.Path}/d"));

        Assert.Contains("was written by an unreleased version of Quorate", error.What);
        Assert.Contains($"it contains {entry}", error.Why);
        Assert.Equal([entry], Directory.EnumerateFileSystemEntries(temporary.Path + "/d").Select(e => Path.GetFileName(e)));
    }

    [Fact]
    public void A_path_that_cannot_be_written_is_rejected()
    {
        using var temporary = new TemporaryDirectory();
        File.WriteAllText(temporary.Path + "/file", "");

        Assert.Contains("is a file", Assert.Throws<StartupException>(() => Open($"--data-dir={temporary.Path}/file")).What);
        Assert.Contains("cannot be used", Assert.Throws<StartupException>(() => Open($"--data-dir={temporary.Path}/file/below")).What);
        Assert.Contains("cannot be used", Assert.Throws<StartupException>(() => Open("--data-dir=/proc/not/writable")).What);
    }

    [Fact]
    public void An_empty_data_directory_cannot_join_an_existing_cluster()
    {
        using var temporary = new TemporaryDirectory();

        var error = Assert.Throws<StartupException>(() => Open($"--data-dir={temporary.Path}/d", "--initial-cluster-state=existing"));

        Assert.Contains("belongs to no cluster", error.What);
    }

    [Theory]
    [InlineData("")]
    [InlineData("quorate identity 1\n")]
    public void A_corrupt_identity_is_rejected_if_both_files_are(string text)
    {
        using var temporary = new TemporaryDirectory();
        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();
        File.WriteAllText(temporary.Path + "/d/identity", text);
        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();
        File.WriteAllText(temporary.Path + "/d/identity", text);
        File.WriteAllText(temporary.Path + "/d/identity-copy", text);

        var error = Assert.Throws<StartupException>(() => Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d"));

        Assert.Contains("Corruption in identity", error.Why);
    }

    [Fact]
    public void A_start_interrupted_before_the_identity_is_renamed_can_be_repeated()
    {
        using var temporary = new TemporaryDirectory();
        Directory.CreateDirectory(temporary.Path + "/d");
        File.WriteAllText(temporary.Path + "/d/identity.new", "quorate ide");

        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();

        Assert.Contains("attribute name n0\n", File.ReadAllText(temporary.Path + "/d/identity"));
    }

    private static DataDirectory Open(params string[] flags) => DataDirectory.Open(ServerFixture.ParseSettings(flags));
}
