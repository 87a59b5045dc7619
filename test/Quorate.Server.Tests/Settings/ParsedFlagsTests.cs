using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Settings;

/// <summary>
/// etcd's command line: Go's flag syntax, the corresponding environment variables, and a clear error for flags that cannot be supported.
/// </summary>
public sealed class ParsedFlagsTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Theory]
    [InlineData("--name", "n7")]
    [InlineData("-name", "n7")]
    [InlineData("--name=n7", null)]
    [InlineData("-name=n7", null)]
    public void A_flag_is_parsed_in_each_of_Gos_four_forms(string first, string? second)
    {
        var flags = Parse(second is null ? [first] : [first, second]);

        Assert.Equal("n7", flags.Get("name", "default"));
    }

    [Fact]
    public void The_command_line_overrides_the_environment()
    {
        var environment =
            new Dictionary<string, string> { ["ETCD_NAME"] = "from-env", ["ETCD_INITIAL_CLUSTER_TOKEN"] = "env-token", ["PATH"] = "/bin" };

        var flags = ParsedFlags.Parse(["--name=from-flag"], environment);

        Assert.Equal("from-flag", flags.Get("name", ""));
        Assert.Equal("env-token", flags.Get("initial-cluster-token", ""));
    }

    [Fact]
    public void An_unknown_environment_variable_is_a_warning()
    {
        var flags = ParsedFlags.Parse([], new Dictionary<string, string> { ["ETCD_NONSENSE"] = "1" });

        Assert.Contains("ETCD_NONSENSE", Assert.Single(flags.Warnings));
    }

    [Theory]
    [InlineData("--data-dirr=x", "did you mean --data-dir?")]
    [InlineData("--zzz", "quorate server --help")]
    public void An_unknown_flag_is_rejected_with_the_nearest_name(string argument, string hint)
    {
        var error = Assert.Throws<StartupException>(() => Parse([argument]));

        Assert.Equal(StartupErrorKind.InvalidSettings, error.Kind);
        Assert.Contains(hint, error.Remedy);
    }

    [Fact]
    public void A_flag_without_its_value_is_rejected() =>
        Assert.Contains("--name has no value", Assert.Throws<StartupException>(() => Parse(["--name"])).What);

    [Fact]
    public void A_positional_argument_is_rejected() =>
        Assert.Contains("\"n0\" is not a flag", Assert.Throws<StartupException>(() => Parse(["--force-new-cluster=false", "n0"])).What);

    [Theory]
    [InlineData("--max-wals=100")]
    [InlineData("--enable-v2")]
    [InlineData("--strict-reconfig-check=true")]
    [InlineData("--experimental-initial-corrupt-check")]
    [InlineData("--experimental-corrupt-check-time=1m")]
    [InlineData("--bcrypt-cost=4")]
    public void An_ignored_flag_is_accepted_with_a_warning(string argument) =>
        Assert.Contains("has no effect", Assert.Single(Parse([argument]).Warnings));

    [Theory]
    [InlineData("--cert-file=/x")]
    [InlineData("--client-cert-auth")]
    [InlineData("--peer-auto-tls=true")]
    [InlineData("--auth-token=jwt,pub-key=a")]
    [InlineData("--force-new-cluster")]
    [InlineData("--wal-dir=/elsewhere")]
    public void A_flag_that_is_unsafe_to_ignore_is_rejected(string argument)
    {
        var error = Assert.Throws<StartupException>(() => Parse([argument]));

        Assert.Equal(StartupErrorKind.InvalidSettings, error.Kind);
        Assert.Contains("is not supported", error.What);
    }

    [Theory]
    [InlineData("--client-cert-auth=false")]
    [InlineData("--cert-file=")]
    [InlineData("--auth-token=simple")]
    [InlineData("--force-new-cluster=false")]
    public void An_unsupported_flag_set_to_its_default_value_is_accepted(string argument) => Assert.Empty(Parse([argument]).Warnings);

    private static ParsedFlags Parse(string[] arguments) => ParsedFlags.Parse(arguments, NoEnvironment);
}
