using System.Collections.Concurrent;

namespace Quorate.Load.Soak;

/// <summary>Counts what a soak run has done. Threading: any thread.</summary>
internal sealed class SoakCounts
{
    private readonly ConcurrentDictionary<string, long> _succeeded = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _failed = new(StringComparer.Ordinal);

    public long Failed => _failed.Values.Sum();

    public void Succeed(string operation, long count = 1) => _succeeded.AddOrUpdate(operation, count, (_, before) => before + count);

    public void Fail(string operation, string reason) => _failed.AddOrUpdate($"{operation}: {reason}", 1, (_, before) => before + 1);

    public long Of(string operation) => _succeeded.GetValueOrDefault(operation);

    public void Write(TextWriter output)
    {
        foreach (var (operation, count) in _succeeded.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            output.WriteLine($"{operation}: {count}");
        foreach (var (reason, count) in _failed.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            output.WriteLine($"failed: {count} x {reason}");
    }
}
