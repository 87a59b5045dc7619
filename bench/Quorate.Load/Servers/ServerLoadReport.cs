using System.Text.Json;
using HdrHistogram;

namespace Quorate.Load.Servers;

/// <summary>The result of one measurement of a server. Latencies are in milliseconds; only successful operations are included.</summary>
/// <remarks>
/// The names are those of the report of <c>quorate bench</c>, so that scripts read either of them. The program is built with the invariant
/// culture, so number formats do not depend on the locale.
/// </remarks>
internal sealed record ServerLoadReport(
    string Verb,
    ServerLoadSettings Setting,
    double Seconds,
    LatencyRow All,
    long Failed,
    IReadOnlyDictionary<string, long> Errors,
    long KeysRead,
    long NeverStarted,
    double SendDelayP99Ms,
    long WarmupOperations,
    double GeneratorCpuSeconds,
    double GeneratorCpuUsPerOperation,
    LatencyRow? WhileFile,
    LatencyRow? Otherwise)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static ServerLoadReport From(
        ServerLoadOptions options,
        ServerLoadRecorder recorder,
        TimeSpan elapsed,
        TimeSpan processorTime,
        long neverStarted,
        long warmupOperations) => new(
            options.Operation.ToString().ToLowerInvariant(),
            new ServerLoadSettings(
                "raw",
                [.. options.Endpoints.Select(endpoint => endpoint.Authority)],
                options.Clients,
                options.Connections,
                options.Threads,
                options.KeyBytes,
                options.ValueBytes,
                options.KeySpace,
                options.SequentialKeys,
                options.Serializable,
                options.Rate,
                options.Warmup.TotalSeconds,
                options.Seed),
            elapsed.TotalSeconds,
            LatencyRow.From(recorder.LatenciesUs, elapsed),
            recorder.Errors.Values.Sum(),
            new SortedDictionary<string, long>(recorder.Errors, StringComparer.Ordinal),
            recorder.KeysRead,
            neverStarted,
            options.Rate is null || recorder.DelaysUs.TotalCount == 0 ? 0 : recorder.DelaysUs.GetValueAtPercentile(99) / 1000.0,
            warmupOperations,
            processorTime.TotalSeconds,
            recorder.Completed == 0 ? 0 : processorTime.TotalMicroseconds / recorder.Completed,
            options.WhileFiles.Count == 0 ? null : LatencyRow.From(recorder.WhileFileUs, elapsed),
            options.WhileFiles.Count == 0 ? null : LatencyRow.From(recorder.OtherwiseUs, elapsed));

    public void Write(TextWriter output, string format)
    {
        if (format == "json")
        {
            output.WriteLine(JsonSerializer.Serialize(this, Json));
            return;
        }

        output.WriteLine($"{Verb}: {string.Join(',', Setting.Endpoints)}, {Setting.Clients} clients on {Setting.Connections} connections, "
            + $"{Setting.KeyBytes} B keys out of {Setting.KeySpace}, {Setting.ValueBytes} B values, "
            + $"{(Setting.Rate is { } rate ? $"open loop at {rate:F0}/s" : "closed loop")}");
        output.WriteLine($"{All.Operations} in {Seconds:F2} s = {All.PerSecond:F1}/s");
        output.WriteLine($"ms: mean {All.MeanMs:F3}  p50 {All.P50Ms:F3}  p90 {All.P90Ms:F3}  p95 {All.P95Ms:F3}  p99 {All.P99Ms:F3}  "
            + $"p99.9 {All.P999Ms:F3}  max {All.MaxMs:F3}");
        if (WhileFile is { } present && Otherwise is { } absent)
        {
            output.WriteLine($"of these, {present.Operations} while a file existed: p50 {present.P50Ms:F3}  p99 {present.P99Ms:F3}  "
                + $"max {present.MaxMs:F3}; otherwise: p50 {absent.P50Ms:F3}  p99 {absent.P99Ms:F3}  max {absent.MaxMs:F3}");
        }

        if (Verb == "range")
        {
            output.WriteLine($"keys read: {KeysRead}");
        }

        if (Setting.Rate is not null)
        {
            output.WriteLine($"sent after the due time, p99: {SendDelayP99Ms:F3} ms; due and never started: {NeverStarted}");
        }

        output.WriteLine($"CPU time of this load generator: {GeneratorCpuSeconds:F2} s = {GeneratorCpuUsPerOperation:F1} µs per operation");
        foreach (var (reason, count) in Errors)
        {
            output.WriteLine($"failed: {count} x {reason}");
        }
    }
}

/// <summary>The options of the run, so that a stored report can be reproduced.</summary>
internal sealed record ServerLoadSettings(
    string Client,
    IReadOnlyList<string> Endpoints,
    int Clients,
    int Connections,
    int Threads,
    int KeyBytes,
    int ValueBytes,
    int KeySpace,
    bool SequentialKeys,
    bool Serializable,
    double? Rate,
    double WarmupSeconds,
    int Seed);

/// <summary>Throughput and latencies.</summary>
internal sealed record LatencyRow(
    long Operations, double PerSecond, double MeanMs, double P50Ms, double P90Ms, double P95Ms, double P99Ms, double P999Ms, double MaxMs)
{
    public static LatencyRow From(HistogramBase latenciesUs, TimeSpan elapsed)
    {
        var operations = latenciesUs.TotalCount;
        return operations == 0
            ? new LatencyRow(0, 0, 0, 0, 0, 0, 0, 0, 0)
            : new LatencyRow(
                operations,
                operations / elapsed.TotalSeconds,
                latenciesUs.GetMean() / 1000,
                At(50),
                At(90),
                At(95),
                At(99),
                At(99.9),
                latenciesUs.GetMaxValue() / 1000.0);

        double At(double percentile) => latenciesUs.GetValueAtPercentile(percentile) / 1000.0;
    }
}
