using Quorate.Server.Storage;

namespace Quorate.Server.Tests.Storage;

/// <summary>A member with another's memory would vote twice: a folder opens for the member it was made for, and for nobody else.</summary>
public sealed class FoldersHaveOwners
{
    private const string Cluster = "--initial-cluster=n0=http://127.0.0.1:1,n1=http://127.0.0.1:2";

    [Fact]
    public void A_folder_opens_again_for_its_member()
    {
        using var temporary = new TemporaryFolder();
        string[] flags = ["--name=n0", Cluster, $"--data-dir={temporary.Path}/d"];
        Open(flags).Dispose();

        using var again = Open(flags);

        Assert.Equal("n0", again.Settings.Self.Name);
    }

    [Fact]
    public void Without_members_on_the_command_line_the_folder_knows_them()
    {
        using var temporary = new TemporaryFolder();
        Open("--name=n1", Cluster, "--initial-cluster-token=tok", $"--data-dir={temporary.Path}/d").Dispose();

        using var again = Open($"--data-dir={temporary.Path}/d", "--initial-cluster-state=existing");

        Assert.Equal("n1", again.Settings.Name);
        Assert.Equal(Given.Settings("--name=n1", Cluster, "--initial-cluster-token=tok").ClusterId, again.Settings.ClusterId);
    }

    [Theory]
    [InlineData("--name=n1", Cluster)]
    [InlineData("--name=n0", "--initial-cluster=n0=http://127.0.0.1:1")]
    [InlineData("--name=n0", Cluster, "--initial-cluster-token=other")]
    public void Another_member_or_another_cluster_is_refused(params string[] flags)
    {
        using var temporary = new TemporaryFolder();
        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();

        var refusal = Assert.Throws<RefusalException>(() => Open([.. flags, $"--data-dir={temporary.Path}/d"]));

        Assert.Equal(ExitCode.Failed, refusal.ExitCode);
        Assert.Contains("belongs to another member", refusal.What);
        Assert.Contains("n0=http://127.0.0.1:1,n1=http://127.0.0.1:2", refusal.Why);
    }

    [Fact]
    public void A_folder_in_use_is_refused()
    {
        using var temporary = new TemporaryFolder();
        string[] flags = ["--name=n0", Cluster, $"--data-dir={temporary.Path}/d"];
        using var first = Open(flags);

        Assert.Contains("cannot be used", Assert.Throws<RefusalException>(() => Open(flags)).What);
    }

    [Fact]
    public void Data_of_etcds_is_refused_and_left_alone()
    {
        using var temporary = new TemporaryFolder();
        Directory.CreateDirectory(temporary.Path + "/d/member/snap");

        var refusal = Assert.Throws<RefusalException>(() => Open($"--data-dir={temporary.Path}/d"));

        Assert.Contains("etcd's data", refusal.What);
        Assert.Equal(["member"], Directory.EnumerateFileSystemEntries(temporary.Path + "/d").Select(e => Path.GetFileName(e)));
    }

    [Fact]
    public void A_folder_with_strangers_in_it_is_refused_and_left_alone()
    {
        using var temporary = new TemporaryFolder();
        Directory.CreateDirectory(temporary.Path + "/d");
        File.WriteAllText(temporary.Path + "/d/thesis.tex", "…");

        var refusal = Assert.Throws<RefusalException>(() => Open($"--data-dir={temporary.Path}/d"));

        Assert.Contains("thesis.tex", refusal.Why);
        Assert.Equal(["thesis.tex"], Directory.EnumerateFileSystemEntries(temporary.Path + "/d").Select(e => Path.GetFileName(e)));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_refused()
    {
        using var temporary = new TemporaryFolder();
        File.WriteAllText(temporary.Path + "/file", "");

        Assert.Contains("is a file", Assert.Throws<RefusalException>(() => Open($"--data-dir={temporary.Path}/file")).What);
        Assert.Contains("cannot be used", Assert.Throws<RefusalException>(() => Open($"--data-dir={temporary.Path}/file/below")).What);
        Assert.Contains("cannot be used", Assert.Throws<RefusalException>(() => Open("--data-dir=/proc/nobody/writes/here")).What);
    }

    [Fact]
    public void A_member_cannot_join_a_cluster_it_knows_nothing_of()
    {
        using var temporary = new TemporaryFolder();

        var refusal = Assert.Throws<RefusalException>(() => Open($"--data-dir={temporary.Path}/d", "--initial-cluster-state=existing"));

        Assert.Contains("knows no cluster", refusal.What);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"format\":")]
    public void A_damaged_identity_is_refused(string text)
    {
        using var temporary = new TemporaryFolder();
        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();
        File.WriteAllText(temporary.Path + "/d/identity.json", text);

        var refusal = Assert.Throws<RefusalException>(() => Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d"));

        Assert.Contains("damaged", refusal.Why);
    }

    [Fact]
    public void A_start_that_was_cut_off_before_the_identity_got_its_name_is_begun_again()
    {
        using var temporary = new TemporaryFolder();
        Directory.CreateDirectory(temporary.Path + "/d");
        File.WriteAllText(temporary.Path + "/d/identity.json.new", "{\"form");

        Open("--name=n0", Cluster, $"--data-dir={temporary.Path}/d").Dispose();

        Assert.Contains("\"name\": \"n0\"", File.ReadAllText(temporary.Path + "/d/identity.json"));
    }

    private static DataFolder Open(params string[] flags) => DataFolder.Open(Given.Settings(flags));
}
