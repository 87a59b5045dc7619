using Quorate.Kv;
using Quorate.Server.Etcd;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Watching;

/// <summary>Builds watch responses from the store's events.</summary>
internal static class WatchResponseBuilder
{
    /// <summary>
    /// Builds the response with the events of one watcher, or several fragments if the watcher accepts them and the events are too large.
    /// </summary>
    public static IEnumerable<Wire.WatchResponse> Build(
        Watcher watcher, IReadOnlyList<KvEvent> events, Func<Wire.ResponseHeader> header, int fragmentBytesMax)
    {
        var response = new Wire.WatchResponse { Header = header(), WatchId = watcher.Id };
        long bytes = 0;
        foreach (var kvEvent in events)
        {
            var wire = ToWire(kvEvent);
            var size = watcher.Fragment ? wire.CalculateSize() : 0;
            if (response.Events.Count > 0 && bytes + size > fragmentBytesMax)
            {
                response.Fragment = true;
                yield return response;
                response = new Wire.WatchResponse { Header = header(), WatchId = watcher.Id };
                bytes = 0;
            }

            response.Events.Add(wire);
            bytes += size;
        }

        yield return response;
    }

    private static Wire.Event ToWire(KvEvent kvEvent) => new()
    {
        Type = kvEvent.IsDeletion ? Wire.Event.Types.EventType.Delete : Wire.Event.Types.EventType.Put,
        Kv = ResponseMapper.ToWire(kvEvent.Kv),
        PrevKv = kvEvent.PrevKv is { } previous ? ResponseMapper.ToWire(previous) : null,
    };
}
