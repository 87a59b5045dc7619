using System.Text.Json.Serialization;
using HdrHistogram;

namespace Quorate.Cli.Bench;

/// <summary>The result of one bench, as it is printed. Latencies are in milliseconds.</summary>
internal sealed record BenchReport(
    string Verb,
    BenchReportSettings Setting,
    double Seconds,
    BenchReportRow All,
    IReadOnlyList<BenchReportRow> Kinds,
    long Failed,
    IReadOnlyDictionary<string, long> Errors,
    long KeysRead,
    long Conflicts,
    double GeneratorCpuSeconds)
{
    public static BenchReport From(
        BenchOptions options, BenchRecorder recorder, TimeSpan elapsed, TimeSpan processorTime, long keysRead, long conflicts)
    {
        var kinds = Enum.GetValues<BenchOperationKind>()
            .Where(kind => options.Shares[(int)kind] > 0)
            .Select(kind => BenchReportRow.From(kind.ToString().ToLowerInvariant(), recorder.Latencies(kind), elapsed));
        return new BenchReport(
            options.Verb,
            BenchReportSettings.From(options),
            elapsed.TotalSeconds,
            BenchReportRow.From("all", recorder.Latencies(null), elapsed),
            [.. kinds],
            recorder.FailedCount,
            recorder.Errors,
            keysRead,
            conflicts,
            processorTime.TotalSeconds);
    }
}

/// <summary>The options of the run, so that a stored report can be reproduced.</summary>
internal sealed record BenchReportSettings(
    IReadOnlyList<string> Endpoints,
    int Clients,
    int Connections,
    int KeyBytes,
    int ValueBytes,
    int KeySpace,
    bool SequentialKeys,
    bool Serializable,
    double? Rate,
    double WarmupSeconds,
    int Seed)
{
    public static BenchReportSettings From(BenchOptions options) => new(
        [.. options.Endpoints.Select(endpoint => endpoint.Authority)],
        options.Clients,
        options.Connections,
        options.KeyBytes,
        options.ValueBytes,
        options.KeySpace,
        options.SequentialKeys,
        options.Serializable,
        options.Rate,
        options.Warmup.TotalSeconds,
        options.Seed);
}

/// <summary>Throughput and latencies of one operation kind. Only successful operations are included.</summary>
internal sealed record BenchReportRow(
    string Kind,
    long Operations,
    double PerSecond,
    double MeanMs,
    double P50Ms,
    double P90Ms,
    double P95Ms,
    double P99Ms,
    double P999Ms,
    double MaxMs)
{
    public static BenchReportRow From(string kind, HistogramBase latenciesUs, TimeSpan elapsed)
    {
        var operations = latenciesUs.TotalCount;
        return operations == 0
            ? new BenchReportRow(kind, 0, 0, 0, 0, 0, 0, 0, 0, 0)
            : new BenchReportRow(
                kind,
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

/// <summary>Source-generated JSON serialization, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class BenchJsonContext : JsonSerializerContext;
