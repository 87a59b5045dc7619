using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>The unmodified etcdctl against three processes: every command against every member.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class EtcdctlTests : IAsyncLifetime
{
    private ServerCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await ServerCluster.StartAsync(3);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Put_get_and_del_work_in_every_form()
    {
        foreach (var number in _cluster.Numbers)
        {
            var at = _cluster.Endpoint(number);
            var p = $"m{number}/";

            foreach (var key in new[] { "a", "b", "c", "d" })
                Assert.Equal("OK", await EtcdCtl.OkAsync(at, "put", p + key, $"value of {key}"));
            Assert.Equal($"OK\n{p}a\nvalue of a", await EtcdCtl.OkAsync(at, "put", p + "a", "2", "--prev-kv"));

            Assert.Equal($"{p}a\n2", await EtcdCtl.OkAsync(at, "get", p + "a"));
            Assert.Equal("2", await EtcdCtl.OkAsync(at, "get", p + "a", "--print-value-only"));
            Assert.Equal("", await EtcdCtl.OkAsync(at, "get", p + "missing"));
            Assert.Equal($"{p}a\n\n{p}b", await EtcdCtl.OkAsync(at, "get", p + "a", p + "c", "--keys-only"));
            Assert.Equal($"{p}a\n\n{p}b\n\n{p}c\n\n{p}d", await EtcdCtl.OkAsync(at, "get", "--prefix", p, "--keys-only"));
            Assert.Equal($"{p}a\n\n{p}b", await EtcdCtl.OkAsync(at, "get", "--prefix", p, "--keys-only", "--limit=2"));
            Assert.Equal($"{p}d\n\n{p}c",
                await EtcdCtl.OkAsync(at, "get", "--prefix", p, "--keys-only", "--limit=2", "--order=DESCEND", "--sort-by=KEY"));
            Assert.StartsWith($"{p}c\n\n{p}d", await EtcdCtl.OkAsync(at, "get", "--from-key", p + "c", "--keys-only"),
                StringComparison.Ordinal);
            Assert.Contains("\"count\":4", await EtcdCtl.OkAsync(at, "get", "--prefix", p, "-w", "json"), StringComparison.Ordinal);
            Assert.Equal($"{p}a\n2", await EtcdCtl.OkAsync(at, "get", p + "a", "--consistency=s"));

            // Every other member reads at once what this one acknowledged.
            foreach (var other in _cluster.Numbers)
                Assert.Equal($"{p}a\n2", await EtcdCtl.OkAsync(_cluster.Endpoint(other), "get", p + "a"));

            Assert.Equal("1", await EtcdCtl.OkAsync(at, "del", p + "a"));
            Assert.Equal("0", await EtcdCtl.OkAsync(at, "del", p + "a"));
            Assert.Equal($"1\n{p}b\nvalue of b", await EtcdCtl.OkAsync(at, "del", p + "b", "--prev-kv"));
            Assert.Equal("2", await EtcdCtl.OkAsync(at, "del", "--prefix", p));
        }
    }

    [Fact]
    public async Task Old_revisions_can_be_read_until_they_are_compacted()
    {
        foreach (var number in _cluster.Numbers)
        {
            var at = _cluster.Endpoint(number);
            var key = $"history{number}";
            await EtcdCtl.OkAsync(at, "put", key, "first");
            var revision = await RevisionAsync(at, key);
            await EtcdCtl.OkAsync(at, "put", key, "second");

            Assert.Equal($"{key}\nfirst", await EtcdCtl.OkAsync(at, "get", key, $"--rev={revision}"));
            Assert.Equal($"compacted revision {revision + 1}", await EtcdCtl.OkAsync(at, "compaction", $"{revision + 1}"));

            var (exitCode, _, errors) = await EtcdCtl.RunAsync(at, null, "get", key, $"--rev={revision}");
            Assert.NotEqual(0, exitCode);
            Assert.Contains("mvcc: required revision has been compacted", errors, StringComparison.Ordinal);
            (exitCode, _, errors) = await EtcdCtl.RunAsync(at, null, "get", key, "--rev=1000000");
            Assert.NotEqual(0, exitCode);
            Assert.Contains("mvcc: required revision is a future revision", errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_transaction_executes_exactly_one_branch()
    {
        foreach (var number in _cluster.Numbers)
        {
            var at = _cluster.Endpoint(number);
            var key = $"txn{number}";
            await EtcdCtl.OkAsync(at, "put", key, "1");

            Assert.Equal($"SUCCESS\n\nOK\n\n{key}\n2",
                await EtcdCtl.TxnAsync(at, $"value(\"{key}\") = \"1\"\n\nput {key} 2\nget {key}\n\nput {key} wrong\n\n"));
            Assert.Equal($"FAILURE\n\n{key}\n2", await EtcdCtl.TxnAsync(at, $"mod(\"{key}\") = \"1\"\n\nput {key} wrong\n\nget {key}\n\n"));

            var (exitCode, _, errors) = await EtcdCtl.RunAsync(at, $"\nput {key} 3\nput {key} 4\n\n\n", "txn");
            Assert.NotEqual(0, exitCode);
            Assert.Contains("duplicate key given in txn request", errors, StringComparison.Ordinal);
            Assert.Equal($"{key}\n2", await EtcdCtl.OkAsync(at, "get", key));
        }
    }

    [Fact]
    public async Task Status_health_and_member_list_agree_on_every_member()
    {
        var lists = new List<string>();
        foreach (var number in _cluster.Numbers)
        {
            var at = _cluster.Endpoint(number);
            lists.Add(await EtcdCtl.OkAsync(at, "member", "list"));
            var (exitCode, _, errors) = await EtcdCtl.RunAsync(at, null, "endpoint", "health");
            Assert.Equal(0, exitCode);
            Assert.Contains("is healthy", errors, StringComparison.Ordinal);
        }

        Assert.Single(lists.Distinct());
        Assert.Equal(3, lists[0].Split('\n').Length);
        Assert.All(_cluster.Numbers,
            number =>
                Assert.Contains($"n{number}, {_cluster.PeerUrl(number)}, http://{_cluster.Endpoint(number)}", lists[0],
                    StringComparison.Ordinal));

        var status = await EtcdCtl.OkAsync(_cluster.AllEndpoints, "endpoint", "status", "-w", "table");
        Assert.Single(status.Split('\n'), line => line.Contains(" true ", StringComparison.Ordinal));
    }

    /// <summary>etcdctl sends the call to the leader among its endpoints, and reports that there is none otherwise.</summary>
    [Fact]
    public async Task Move_leader_works_at_the_leader_only()
    {
        var leader = await _cluster.WaitForLeaderAsync();
        var target = (leader % 3) + 1;
        var (from, to) = (await MemberIdAsync(leader), await MemberIdAsync(target));

        var (exitCode, _, errors) = await EtcdCtl.RunAsync(_cluster.Endpoint(target), null, "move-leader", to);
        Assert.Equal(128, exitCode);
        Assert.Contains("no leader endpoint given", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await EtcdCtl.RunAsync(_cluster.AllEndpoints, null, "move-leader", "1234abcd5678");
        Assert.Equal(1, exitCode);
        Assert.Contains("etcdserver: bad leader transferee", errors, StringComparison.Ordinal);
        Assert.Equal(
            $"Leadership transferred from {from} to {from}", await EtcdCtl.OkAsync(_cluster.AllEndpoints, "move-leader", from));
        Assert.Equal(leader, await _cluster.WaitForLeaderAsync());

        Assert.Equal($"Leadership transferred from {from} to {to}", await EtcdCtl.OkAsync(_cluster.AllEndpoints, "move-leader", to));
        Assert.Equal(target, await _cluster.WaitForLeaderAsync());
    }

    /// <summary>quorate finds the leader itself, and takes a name as well.</summary>
    [Fact]
    public async Task Quorate_move_leader_prints_what_etcdctl_prints()
    {
        var leader = await _cluster.WaitForLeaderAsync();
        var target = (leader % 3) + 1;
        var (from, to) = (await MemberIdAsync(leader), await MemberIdAsync(target));

        var (exitCode, output, _) = await MoveLeaderAsync(target, $"n{target}");
        Assert.Equal((0, $"Leadership transferred from {from} to {to}\n"), (exitCode, output));
        Assert.Equal(target, await _cluster.WaitForLeaderAsync());

        (exitCode, output, _) = await MoveLeaderAsync(target, from);
        Assert.Equal((0, $"Leadership transferred from {to} to {from}\n"), (exitCode, output));

        (exitCode, _, var errors) = await MoveLeaderAsync(target, "1234abcd5678");
        Assert.Equal(Cli.ExitCode.Failed, exitCode);
        Assert.Contains("etcdserver: bad leader transferee", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await MoveLeaderAsync(target, "n9");
        Assert.Equal(Cli.ExitCode.Failed, exitCode);
        Assert.Contains("no member has the name n9", errors, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Output, string Errors)> MoveLeaderAsync(int at, string member)
    {
        await using var command = TestProcess.StartQuorate(["move-leader", member, "--endpoints", _cluster.Endpoint(at)]);
        var exitCode = await command.WaitForExitAsync(TimeSpan.FromSeconds(60));
        return (exitCode, command.Output, command.Errors);
    }

    private async Task<string> MemberIdAsync(int number)
    {
        var status = await _cluster.Maintenance(number).StatusAsync(new StatusRequest());
        return status.Header.MemberId.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<long> RevisionAsync(string at, string key)
    {
        var json = await EtcdCtl.OkAsync(at, "get", key, "-w", "json");
        using var parsed = System.Text.Json.JsonDocument.Parse(json);
        return parsed.RootElement.GetProperty("header").GetProperty("revision").GetInt64();
    }
}
