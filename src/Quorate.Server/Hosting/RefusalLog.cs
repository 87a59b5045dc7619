using System.Net.Sockets;

namespace Quorate.Server.Hosting;

/// <summary>Logs that connections were refused: the first at once, then one line in ten seconds with their number.</summary>
/// <remarks>Threading: the accept loop of one listener.</remarks>
internal sealed class RefusalLog(ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private long? _lastRefusal;
    private long? _lastFailure;
    private long _refused;

    /// <summary>Counts a connection that was closed because of the limit.</summary>
    public void Refused(int connectionsMax)
    {
        _refused++;
        if (!IsDue(ref _lastRefusal))
            return;
        ServerLogMessages.ConnectionsRefused(log, _refused, connectionsMax);
        _refused = 0;
    }

    /// <summary>Notes a failed accept.</summary>
    public void AcceptFailed(SocketException fault)
    {
        if (IsDue(ref _lastFailure))
            ServerLogMessages.AcceptFailed(log, fault.Message);
    }

    private bool IsDue(ref long? last)
    {
        if (last is { } previous && time.GetElapsedTime(previous) < Interval)
            return false;
        last = time.GetTimestamp();
        return true;
    }
}
