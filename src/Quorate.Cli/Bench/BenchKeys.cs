using System.Text;
using Google.Protobuf;

namespace Quorate.Cli.Bench;

/// <summary>The keys of one client: a single buffer, overwritten for each operation.</summary>
/// <remarks>
/// A key is its decimal number, padded with zeros on the left: <c>00000042</c>. A client has at most one pending operation, so nothing
/// reads the buffer while it changes. Threading: one client.
/// </remarks>
internal sealed class BenchKeys
{
    private readonly byte[] _digits;
    private readonly Random _random;
    private readonly int _space;
    private readonly BenchKeySequence? _sequence;

    public BenchKeys(BenchOptions options, BenchKeySequence sequence, int client)
    {
        _digits = new byte[options.KeyBytes];
        _space = options.KeySpace;
        _sequence = options.SequentialKeys ? sequence : null;
        _random = BenchRandom.Create(options.Seed, client);
        Current = UnsafeByteOperations.UnsafeWrap(_digits);
    }

    /// <summary>The key that <see cref="Draw"/> chose last.</summary>
    public ByteString Current { get; }

    /// <summary>Chooses the next key and returns its number.</summary>
    public int Draw()
    {
        var number = _sequence?.Next(_space) ?? _random.Next(_space);
        var rest = number;
        for (var i = _digits.Length - 1; i >= 0; i--)
        {
            _digits[i] = (byte)('0' + (rest % 10));
            rest /= 10;
        }

        return number;
    }

    /// <summary>Returns the range end for all keys that begin with <paramref name="prefix"/>.</summary>
    public static ByteString EndOfPrefix(string prefix)
    {
        var end = Encoding.UTF8.GetBytes(prefix);
        for (var i = end.Length - 1; i >= 0; i--)
        {
            if (end[i] < 0xff)
            {
                end[i]++;
                return ByteString.CopyFrom(end.AsSpan(0, i + 1));
            }
        }

        return FromKeyOn;
    }

    /// <summary>The range end that means: all keys from the start key on.</summary>
    public static ByteString FromKeyOn { get; } = ByteString.CopyFrom(0);
}

/// <summary>A counter shared by all clients: 0, 1, 2, …, wrapping around at the end of the key space.</summary>
internal sealed class BenchKeySequence
{
    private long _next = -1;

    public int Next(int space) => (int)(Interlocked.Increment(ref _next) % space);
}

/// <summary>Reproducible random numbers and bytes.</summary>
internal static class BenchRandom
{
#pragma warning disable CA5394 // A load generator needs reproducible numbers, not unpredictable ones.
    public static Random Create(int seed, int client) => new((seed * 1_000_003) + client);
#pragma warning restore CA5394

    /// <summary>Creates random, incompressible bytes.</summary>
    public static ByteString Bytes(int seed, int client, int count)
    {
        var bytes = new byte[count];
#pragma warning disable CA5394 // As above.
        Create(seed, ~client).NextBytes(bytes);
#pragma warning restore CA5394
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }
}
