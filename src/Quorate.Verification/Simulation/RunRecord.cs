using System.Globalization;

namespace Quorate.Verification.Simulation;

/// <summary>What a run did, hash by hash. A second run of the seed is held against it, and stopped at the first thing that it does otherwise.</summary>
internal sealed class RunRecord
{
    /// <summary>So many lines of the first run are shown around the place.</summary>
    private const int LinesBefore = 4;
    private const int LinesAfter = 4;

    private readonly List<ulong> _hashes = [];
    private readonly List<(int At, string Text)> _lines = [];
    private int? _next;

    /// <summary>Whether what happens is compared, and no longer taken down.</summary>
    public bool IsSecondRun => _next is not null;

    /// <summary>What comes from here on is compared.</summary>
    public void BeginSecondRun() => _next = 0;

    /// <summary>Something happened.</summary>
    public void Happened(ulong hash, long now)
    {
        if (_next is not { } next)
            _hashes.Add(hash);
        else if (next == _hashes.Count || _hashes[next] != hash)
            throw Diverged(next, now, next == _hashes.Count ? "does more" : "does something else");
        else
            _next = next + 1;
    }

    /// <summary>A line was told.</summary>
    public void Told(Func<string> line)
    {
        if (_next is null)
            _lines.Add((_hashes.Count, line()));
    }

    /// <summary>The second run is over.</summary>
    public void EndSecondRun(long now)
    {
        if (_next is { } next && next < _hashes.Count)
            throw Diverged(next, now, "ends too early");
    }

    private ViolationException Diverged(int at, long now, string how)
    {
        var line = _lines.FindLastIndex(l => l.At <= at);
        var shown = _lines.Skip(Math.Max(0, line - LinesBefore + 1)).Take(LinesBefore + LinesAfter).Select(l => (l.At <= at ? "  " : "> ") + l.Text);
        return new ViolationException("SameSeedSameRun", string.Create(
            CultureInfo.InvariantCulture,
            $"the second run {how} after {at} of {_hashes.Count} things, at {now / 1e6} s. The first did, from > on, what this one did not:\n{string.Join('\n', shown)}\nThis one:"));
    }
}
