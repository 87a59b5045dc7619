namespace Quorate.Cli.Inspect;

/// <summary>
/// Reads again what fails verification, because a running member may have been writing it: its write is visible in parts until it is done.
/// </summary>
/// <remarks>
/// A member writes at the end of its log only, and to one copy of term and vote, so a few more reads are enough. Their number is bounded
/// for all files together: a log with many corrupt frames is shown without delay.
/// </remarks>
internal sealed class ConcurrentWrites(TimeSpan interval)
{
    private const int AttemptsMax = 4;
    private int _readsLeft = 32;

    /// <summary>Reads, and reads again while the result is corrupt.</summary>
    public T Read<T>(Func<T> read, Func<T, bool> isCorrupt)
    {
        var result = read();
        for (var attempt = 1; attempt < AttemptsMax && _readsLeft > 0 && isCorrupt(result); attempt++)
        {
            _readsLeft--;
            Thread.Sleep(interval);
            result = read();
        }

        return result;
    }
}
