using System.Globalization;
using Grpc.Core;

namespace Quorate.Server.Http;

/// <summary>The deadline of one JSON call: the end of the client's request header <c>Grpc-Timeout</c>, if it sent one.</summary>
/// <remarks>
/// Shape of the header: at most eight digits and a unit: H, M, S, m (milliseconds), u (microseconds) or n (nanoseconds). For a gRPC call
/// the framework does the same. Source: gRPC over HTTP/2, "Timeout"; etcd's gRPC gateway accepts the header for JSON.
/// </remarks>
internal sealed class CallDeadline : IDisposable
{
    /// <summary>The name of the header.</summary>
    public const string Header = "Grpc-Timeout";

    private const int DigitsMax = 8;

    /// <summary>The longest time that a timer accepts, about 49 days. A longer timeout has no effect.</summary>
    private static readonly TimeSpan TimerMax = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly CancellationTokenSource? _source;

    private CallDeadline(DateTime expiresAt, CancellationTokenSource? source, CancellationToken token)
    {
        Token = token;
        ExpiresAt = expiresAt;
        _source = source;
    }

    /// <summary>Cancelled when the client disconnects or the deadline has passed.</summary>
    public CancellationToken Token { get; }

    /// <summary>The deadline, UTC; <see cref="DateTime.MaxValue"/> without a header.</summary>
    public DateTime ExpiresAt { get; }

    /// <summary>Starts the timer of a call, if it has the header.</summary>
    /// <exception cref="RpcException">The header is not a timeout.</exception>
    public static CallDeadline Start(string? header, CancellationToken aborted)
    {
        if (header is null)
            return new CallDeadline(DateTime.MaxValue, null, aborted);
        if (!TryParse(header, out var timeout))
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"invalid grpc-timeout: {header}"));
        if (timeout > TimerMax)
            return new CallDeadline(DateTime.MaxValue, null, aborted);

        var expiresAt = DateTime.UtcNow + timeout;
        var source = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        source.CancelAfter(timeout);
        return new CallDeadline(expiresAt, source, source.Token);
    }

    /// <summary>Stops the timer.</summary>
    public void Dispose() => _source?.Dispose();

    /// <summary>Parses the header's value.</summary>
    internal static bool TryParse(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > DigitsMax + 1
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;

        var ticksPerUnit = text[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => -1,
        };
        if (ticksPerUnit < 0)
            return false;

        // A tick is 100 ns. 99,999,999 hours are 3.6e18 ticks, which fits.
        timeout = ticksPerUnit > 0 ? new TimeSpan(number * ticksPerUnit) : new TimeSpan(number / TimeSpan.NanosecondsPerTick);
        return true;
    }
}
