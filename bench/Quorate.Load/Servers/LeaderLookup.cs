using System.Diagnostics;
using Quorate.Load.Http2;

namespace Quorate.Load.Servers;

/// <summary>Requests the status of every endpoint before a measurement, to find unreachable ones and the leader.</summary>
internal sealed class LeaderLookup : ICallHandler
{
    private bool _isLeader;
    private string? _error;

    /// <summary>Returns the endpoint of the leader, or null if no endpoint is the leader.</summary>
    /// <exception cref="Http2Exception">An endpoint does not respond, or responds with an error.</exception>
    public static Uri? Find(IEnumerable<Uri> endpoints, TimeSpan timeout)
    {
        var leader = default(Uri);
        foreach (var endpoint in endpoints)
        {
            leader = new LeaderLookup().IsLeader(endpoint, timeout) ? endpoint : leader;
        }

        return leader;
    }

    void ICallHandler.Prepare(Span<byte> message)
    {
        // A StatusRequest is empty.
    }

    void ICallHandler.OnCompleted(Call call, string? error)
    {
        _error = error;
        _isLeader = error is null && EtcdMessages.IsLeader(call.Message);
    }

    private bool IsLeader(Uri endpoint, TimeSpan timeout)
    {
        using var connection = new Http2Connection(endpoint, EtcdMessages.Status, [], clients: 1, this);
        connection.Open(timeout);
        var call = connection.Calls[0];
        var startedAt = Stopwatch.GetTimestamp();
        var deadline = startedAt + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        connection.Start(call, startedAt, startedAt);
        var poller = new Poller([connection]);
        while (call.IsActive)
        {
            connection.Flush();
            poller.Wait(deadline);
            if (poller.HasInput(0))
            {
                connection.Receive();
            }

            if (Stopwatch.GetTimestamp() >= deadline)
            {
                connection.ExpireCalls(long.MaxValue);
            }
        }

        return _error is null ? _isLeader : throw new Http2Exception($"{endpoint.Authority} did not answer a status request: {_error}");
    }
}
