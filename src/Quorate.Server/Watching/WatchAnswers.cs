using Quorate.Kv;
using Quorate.Server.Etcd;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Watching;

/// <summary>From what happened to what the wire says of it.</summary>
internal static class WatchAnswers
{
    /// <summary>The events of one watcher: one message, or several if it takes fragments and there is much.</summary>
    public static IEnumerable<Wire.WatchResponse> Tell(Watcher watcher, IReadOnlyList<KvEvent> events, Func<Wire.ResponseHeader> header, int fragmentBytesMax)
    {
        var answer = new Wire.WatchResponse { Header = header(), WatchId = watcher.Id };
        long bytes = 0;
        foreach (var happened in events)
        {
            var wire = ToWire(happened);
            var size = watcher.Fragments ? wire.CalculateSize() : 0;
            if (answer.Events.Count > 0 && bytes + size > fragmentBytesMax)
            {
                answer.Fragment = true;
                yield return answer;
                answer = new Wire.WatchResponse { Header = header(), WatchId = watcher.Id };
                bytes = 0;
            }

            answer.Events.Add(wire);
            bytes += size;
        }

        yield return answer;
    }

    private static Wire.Event ToWire(KvEvent happened) => new()
    {
        Type = happened.IsDeletion ? Wire.Event.Types.EventType.Delete : Wire.Event.Types.EventType.Put,
        Kv = KvAnswers.ToWire(happened.Kv),
        PrevKv = happened.PrevKv is { } before ? KvAnswers.ToWire(before) : null,
    };
}
