using System.Collections.Immutable;
using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>Disks and crashes.</summary>
internal sealed partial class QuorateRaftSpecification
{
    /// <summary>
    /// Server <paramref name="i"/> changes to <paramref name="after"/>, which it writes; it sends the messages when the write is durable.
    /// Returns null if the server has too many pending writes.
    /// </summary>
    private SpecificationState? Write(SpecificationState s, int i, SpecServer after, params ReadOnlySpan<SpecMessage> messages)
    {
        var image = new SpecDiskImage(after.Term, after.Vote, after.Log);
        if (constants.MaxWrites == 0)
            return s.With(i, after with { Disk = image }) with { Messages = SpecMessage.Add(s.Messages, messages) };
        return after.Writes.Length < constants.MaxWrites
            ? s.With(i, after with { Writes = after.Writes.Add(new SpecPendingWrite(image, [.. messages])) })
            : null;
    }

    private static SpecificationState SendNow(SpecificationState s, params ReadOnlySpan<SpecMessage> messages) =>
        s with { Messages = SpecMessage.Add(s.Messages, messages) };

    private static SpecificationState SendWithLastWrite(SpecificationState s, int i, params ReadOnlySpan<SpecMessage> messages)
    {
        var server = s.Servers[i];
        var last = server.Writes[^1];
        foreach (var message in messages)
        {
            if (!last.Messages.Contains(message))
                last = last with { Messages = last.Messages.Add(message) };
        }

        return s.With(i, server with { Writes = server.Writes.SetItem(server.Writes.Length - 1, last) });
    }

    private static SpecificationState SendWhenDurable(SpecificationState s, int i, params ReadOnlySpan<SpecMessage> messages) =>
        s.Servers[i].Writes.IsEmpty ? SendNow(s, messages) : SendWithLastWrite(s, i, messages);

    private static SpecificationState Send(SpecificationState s, int i, params ReadOnlySpan<SpecMessage> messages) =>
        s.Servers[i].HardStateIsDurable ? SendNow(s, messages) : SendWithLastWrite(s, i, messages);

    /// <summary>The first <paramref name="writes"/> writes become durable.</summary>
    public static SpecificationState? OnDurable(SpecificationState s, int i, int writes)
    {
        var server = s.Servers[i];
        if (writes < 1 || writes > server.Writes.Length)
            return null;
        var messages = s.Messages;
        foreach (var write in server.Writes[..writes])
            messages = SpecMessage.Add(messages, write.Messages.AsSpan());
        return s.With(i, server with { Disk = server.ImageAfter(writes), Writes = server.Writes[writes..] }) with { Messages = messages };
    }

    /// <summary>
    /// The logs with which a server may restart if no entry of a pending write after number <paramref name="write"/> survives a crash.
    /// </summary>
    public static IEnumerable<SpecLog> SurvivingLogs(SpecServer server, int write)
    {
        var image = server.ImageAfter(write);
        var least = write == 0 ? image.Log.Length : server.ImageAfter(write - 1).Log.Agreement(image.Log);
        for (var length = least; length <= image.Log.Length; length++)
            yield return server.WithSnapshot(image.Log.Prefix(length));
    }

    /// <summary>
    /// A crash and the restart after it. Term and vote survive as of write <paramref name="hard"/>; of the entries as of
    /// <paramref name="write"/>, a prefix survives. If the snapshot has a later term, the server enters that term without a vote.
    /// </summary>
    public static SpecificationState? Restart(SpecificationState s, int i, int hard, int write, SpecLog log, int commit)
    {
        var server = s.Servers[i];
        if (hard < write || hard > server.Writes.Length || !SurvivingLogs(server, write).Contains(log))
            return null;
        if (commit < server.Snapshot || commit > Math.Max(server.Snapshot, Math.Min(server.Commit, log.Agreement(server.Log))))
            return null;

        var read = server.ImageAfter(hard);
        var term = Math.Max(read.Term, log.TermAt(server.Snapshot));
        var left = new SpecDiskImage(term, term > read.Term ? SpecServer.None : read.Vote, log);
        var restarted = new SpecServer(Role.Follower, left.Term, left.Vote, log, commit, 0, [], left, [], server.Snapshot);
        return s.With(i, restarted) with { Spent = s.Spent with { Restarts = s.Spent.Restarts + 1 } };
    }
}
