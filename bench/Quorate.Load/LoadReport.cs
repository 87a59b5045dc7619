using System.Globalization;
using System.Text.Json;

namespace Quorate.Load;

/// <summary>Prints medians over the rounds as a markdown table, or every round as JSON.</summary>
internal static class LoadReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Write(TextWriter output, IReadOnlyList<Measurement> measurements, string format)
    {
        if (format == "json")
        {
            output.WriteLine(JsonSerializer.Serialize(measurements, Json));
            return;
        }

        output.WriteLine(
            "| target | writers | writes/s | p50 ms | p99 ms | p99.9 ms | max ms | cpu µs/write | allocated B/write | errors |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var group in measurements.GroupBy(measurement => (measurement.Target, measurement.Writers)))
        {
            double Value(Func<Measurement, double> value) => Median(group, value);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {group.Key.Target} | {group.Key.Writers} | {Value(m => m.WritesPerSecond):F0} "
                + $"| {Value(m => m.P50Us) / 1000:F2} | {Value(m => m.P99Us) / 1000:F2} | {Value(m => m.P999Us) / 1000:F2} "
                + $"| {Value(m => m.MaxUs) / 1000:F2} | {Value(m => m.CpuUsPerWrite):F1} | {Value(m => m.AllocatedBytesPerWrite):F0} "
                + $"| {group.Sum(m => m.Errors)} |"));
        }
    }

    private static double Median(IEnumerable<Measurement> runs, Func<Measurement, double> value)
    {
        var ordered = runs.Select(value).Order().ToArray();
        var middle = ordered.Length / 2;
        return ordered.Length % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
    }
}
