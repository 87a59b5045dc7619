using System.Diagnostics;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// docs/operating/corruption.md with real processes: a file of a member is damaged while it is down, and the cluster goes on under load.
/// The member starts, has everything again, and never answers wrongly.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class DamageProcessTests(ITestOutputHelper output)
{
    private const int Writers = 4;
    private static readonly TimeSpan _healedWithin = TimeSpan.FromSeconds(30);

    /// <summary>Each kind of file, each kind of damage at least once.</summary>
    [Fact]
    public async Task A_member_whose_files_are_damaged_starts_and_receives_what_it_lost()
    {
        string[] prefixes = ["wal-", "snapshot-", "hardstate", "identity", "hardstate-copy", "identity-copy"];
        var damages = prefixes.SelectMany((prefix, i) => new[] { (prefix, i), (prefix, i + 1) }).ToArray();

        Assert.Equal(0, await DamageAsync(damages.Length, seed: 1, (round, _) => damages[round]));
    }

    /// <summary><c>dotnet test -c Release --project test/Quorate.Server.Tests --explicit only --filter-class
    /// *DamageProcessTests</c></summary>
    [Fact(Explicit = true)]
    [Trait("Run", "OnRequest")]
    public async Task All_of_300_damages_heal_and_99_percent_within_30_seconds()
    {
        var late = await DamageAsync(300, seed: 2, static (_, random) => ("", random.Next(3)));
        Assert.InRange(late, 0, 3);
    }

    private async Task<int> DamageAsync(int rounds, int seed, Func<int, Random, (string Prefix, int Kind)> pick)
    {
        await using var cluster = await ServerCluster.StartAsync(3, "--snapshot-count=300");
        var writes = new AcknowledgedWrites(cluster);
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, Writers)
            .Select(writer => Task.Run(() => writes.WriteAsync(writer, stop.Token, TimeSpan.FromMilliseconds(20)))).ToArray();
        await Eventually.IsTrueAsync(
            () => cluster.Numbers.All(n => Directory.GetFiles(cluster.DataDirectory(n), "snapshot-????????????????-*").Length > 0),
            "each member has a snapshot");

        var random = new Random(seed);
        var (late, repairs, slowest) = (0, 0, TimeSpan.Zero);
        for (var round = 0; round < rounds; round++)
        {
            var number = random.Next(1, 4);
            var (prefix, kind) = pick(round, random);
            await cluster.KillAsync(number);
            var damage = Damage(cluster.DataDirectory(number), prefix, kind, random);
            var started = Stopwatch.GetTimestamp();
            cluster.Start(number);
            await cluster.WaitUntilReadyAsync(number);
            await writes.AssertNothingIsLostAsync(number);
            await Eventually.IsTrueAsync(
                () => Directory.GetFiles(cluster.DataDirectory(number), "damaged-*").Length == 0, "the repair has ended");
            var took = Stopwatch.GetElapsedTime(started);
            slowest = took > slowest ? took : slowest;
            late += took > _healedWithin ? 1 : 0;
            var isRepair = cluster.GetProcess(number).Errors.Contains("[1031]", StringComparison.Ordinal);
            repairs += isRepair ? 1 : 0;
            output.WriteLine($"n{number}, {damage}: {(isRepair ? "log given up, " : "")}healed after {took.TotalSeconds:0.0} s");
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
        await writes.AssertNothingIsLostAsync();
        output.WriteLine(
            $"{rounds} damages, {late} healed late, {repairs} gave the log up, slowest {slowest.TotalSeconds:0.0} s, "
            + $"{writes.Count} writes");
        return late;
    }

    /// <summary>Flips up to eight bits of a file, shortens or deletes it. Returns what was done.</summary>
    private static string Damage(string directory, string prefix, int kind, Random random)
    {
        var files = Directory.GetFiles(directory, prefix + "*").Where(static file => Path.GetFileName(file) != "lock").Order().ToArray();
        var exact = files.Where(file => Path.GetFileName(file) == prefix).ToArray();
        var file = exact is [var only] ? only : files[random.Next(files.Length)];
        var name = Path.GetFileName(file);
        switch (kind % 3)
        {
            case 0:
                using (var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite))
                {
                    var at = random.NextInt64(Math.Max(1, Math.Min(stream.Length, 64 * 1024)));
                    stream.Position = at;
                    var value = stream.ReadByte();
                    stream.Position = at;
                    stream.WriteByte((byte)(value ^ random.Next(1, 256)));
                    return $"{name}: bits flipped at {at}";
                }

            case 1:
                using (var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite))
                {
                    stream.SetLength(random.NextInt64(stream.Length));
                    return $"{name}: shortened to {stream.Length}";
                }

            default:
                File.Delete(file);
                return $"{name}: deleted";
        }
    }
}
