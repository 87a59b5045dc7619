using System.Text.Json;

namespace Quorate.Cli.Bench;

/// <summary>Prints a report: as text, as a Markdown table, or as one JSON object on one line.</summary>
/// <remarks>The program is built with the invariant culture, so number formats do not depend on the locale.</remarks>
internal static class BenchPrinter
{
    public static void Print(TextWriter output, BenchReport report, string format)
    {
        switch (format)
        {
            case "json":
                output.WriteLine(JsonSerializer.Serialize(report, BenchJsonContext.Default.BenchReport));
                break;
            case "table":
                PrintTable(output, report);
                break;
            default:
                PrintSimple(output, report);
                break;
        }
    }

    private static void PrintSimple(TextWriter output, BenchReport report)
    {
        var setting = report.Setting;
        output.WriteLine($"{report.Verb}: {string.Join(',', setting.Endpoints)}, "
            + $"{setting.Clients} clients on {setting.Connections} connections, "
            + $"{setting.KeyBytes} B keys out of {setting.KeySpace}, {setting.ValueBytes} B values, "
            + (setting.Rate is { } rate ? $"open loop at {rate:F0}/s" : "closed loop"));
        foreach (var row in report.Kinds.Count == 1 ? report.Kinds : [report.All, .. report.Kinds])
        {
            output.WriteLine($"{row.Kind,-6} {row.Operations} in {report.Seconds:F2} s = {row.PerSecond:F1}/s");
            output.WriteLine(
                $"       ms: mean {row.MeanMs:F3}  p50 {row.P50Ms:F3}  p90 {row.P90Ms:F3}  p95 {row.P95Ms:F3}  "
                + $"p99 {row.P99Ms:F3}  p99.9 {row.P999Ms:F3}  max {row.MaxMs:F3}");
        }

        PrintRemarks(output, report);
    }

    private static void PrintTable(TextWriter output, BenchReport report)
    {
        output.WriteLine("| kind | clients | operations | op/s | mean ms | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | failed |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var row in report.Kinds.Count == 1 ? report.Kinds : [.. report.Kinds, report.All])
        {
            output.WriteLine(
                $"| {row.Kind} | {report.Setting.Clients} | {row.Operations} | {row.PerSecond:F1} | {row.MeanMs:F3} | {row.P50Ms:F3} | "
                + $"{row.P90Ms:F3} | {row.P99Ms:F3} | {row.P999Ms:F3} | {row.MaxMs:F3} | {report.Failed} |");
        }
    }

    private static void PrintRemarks(TextWriter output, BenchReport report)
    {
        if (report.Kinds.Any(row => row.Kind == "range"))
        {
            output.WriteLine($"keys read: {report.KeysRead}");
        }

        if (report.Kinds.Any(row => row.Kind == "txn"))
        {
            output.WriteLine($"transactions that found a changed revision: {report.Conflicts}");
        }

        output.WriteLine($"CPU time of this load generator: {report.GeneratorCpuSeconds:F2} s");
        foreach (var (reason, count) in report.Errors)
        {
            output.WriteLine($"failed: {count} x {reason}");
        }
    }
}
