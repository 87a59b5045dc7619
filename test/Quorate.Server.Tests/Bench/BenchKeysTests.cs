using System.Text;
using Quorate.Cli.Bench;

namespace Quorate.Server.Tests.Bench;

/// <summary>The keys that a bench uses.</summary>
public sealed class BenchKeysTests
{
    [Fact]
    public void Sequential_keys_are_shared_by_all_clients_and_wrap_around()
    {
        var sequence = new BenchKeySequence();
        var options = Options(keySpace: 3) with { SequentialKeys = true };
        var (one, other) = (new BenchKeys(options, sequence, 0), new BenchKeys(options, sequence, 1));

        one.Draw();
        Assert.Equal("0000", one.Current.ToStringUtf8());
        other.Draw();
        Assert.Equal("0001", other.Current.ToStringUtf8());
        one.Draw();
        Assert.Equal("0002", one.Current.ToStringUtf8());
        other.Draw();
        Assert.Equal("0000", other.Current.ToStringUtf8());
    }

    [Fact]
    public void The_same_seed_draws_the_same_keys()
    {
        int[] Draws(int seed)
        {
            var keys = new BenchKeys(Options(keySpace: 1000) with { Seed = seed }, new BenchKeySequence(), 5);
            return [.. Enumerable.Range(0, 100).Select(_ => keys.Draw())];
        }

        Assert.Equal(Draws(7), Draws(7));
        Assert.NotEqual(Draws(7), Draws(8));
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("az", "a{")]
    public void The_end_of_a_prefix_is_its_successor(string prefix, string end)
        => Assert.Equal(end, Encoding.UTF8.GetString(BenchKeys.EndOfPrefix(prefix).Span));

    private static BenchOptions Options(int keySpace) => new()
    {
        Verb = "put",
        Endpoints = [],
        Clients = 1,
        Connections = 1,
        KeyBytes = 4,
        ValueBytes = 1,
        KeySpace = keySpace,
        SequentialKeys = false,
        Total = null,
        Duration = TimeSpan.FromSeconds(1),
        Warmup = TimeSpan.Zero,
        Rate = null,
        Timeout = TimeSpan.FromSeconds(1),
        Seed = 1,
        TargetLeader = false,
        Serializable = false,
        Limit = 0,
        Prefix = null,
        Shares = [1, 0, 0],
    };
}
