using System.Diagnostics;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>A run depends on its seed only, so every failure can be reproduced.</summary>
public sealed class DeterminismTests
{
    /// <summary>
    /// The hash of seed 2's trace. It changes whenever the simulator or the library behaves differently; then replace it by the new one,
    /// which the failure shows.
    /// </summary>
    private const string TraceOfSeed2 = "6d72c305c0801f5d";

    [Fact]
    public void The_trace_hash_of_a_seed_is_the_same_on_every_computer() =>
        Assert.Equal(TraceOfSeed2, $"{KvSimulation.Run(2).TraceHash:x16}");

    /// <summary>The seed runs in two child processes, each with its own random hash seed, and in this one.</summary>
    [Theory]
    [InlineData(2UL)]
    [InlineData(37UL)]
    [InlineData(85UL)]
    public async Task Runs_of_a_seed_are_identical_across_processes(ulong seed)
    {
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Quorate.Simulator.dll"), "--seed", $"{seed}", "--check-determinism"];
        using var runner = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var output = await runner.StandardOutput.ReadToEndAsync();
        await runner.WaitForExitAsync();
        var report = KvSimulation.Run(seed);

        Assert.Equal(0, runner.ExitCode);
        Assert.Contains($"{report.Events} events, trace {report.TraceHash:x16}", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_seeds_have_different_traces() => Assert.NotEqual(KvSimulation.Run(1).TraceHash, KvSimulation.Run(2).TraceHash);

    /// <summary>A different hash at the end of a run shows only that the runs diverged. The record shows at which event.</summary>
    [Fact]
    public void A_diverging_second_run_stops_at_the_first_difference()
    {
        var record = new DeterminismRecord();
        RecordEvents(record, "leader 1", "kill 2", "leader 3");
        var inAnotherProcess = RoundTrip(record);

        var violation = Assert.Throws<ViolationException>(() => RecordEvents(inAnotherProcess, "leader 1", "kill 3", "leader 3"));

        Assert.Equal("SameSeedSameRun", violation.Property);
        Assert.Contains("after 1 of 3 events", violation.Message, StringComparison.Ordinal);
        Assert.Contains("> kill 2", violation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_run_of_another_length_is_a_violation()
    {
        foreach (var second in new string[][] { ["leader 1"], ["leader 1", "kill 2", "kill 3"] })
        {
            var record = new DeterminismRecord();
            RecordEvents(record, "leader 1", "kill 2");
            record.StartSecondRun();
            Assert.Throws<ViolationException>(() => RecordEvents(record, second));
        }
    }

    private static DeterminismRecord RoundTrip(DeterminismRecord record)
    {
        using var file = new MemoryStream();
        record.Write(file);
        file.Position = 0;
        return DeterminismRecord.Read(file);
    }

    private static void RecordEvents(DeterminismRecord record, params string[] lines)
    {
        foreach (var line in lines)
        {
            record.OnEvent((ulong)line.Sum(static c => c), now: 0);
            record.OnLine(() => line);
        }

        record.FinishSecondRun(now: 0);
    }
}
