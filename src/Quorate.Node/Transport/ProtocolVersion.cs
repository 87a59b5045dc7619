using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Which messages each protocol version has.</summary>
internal static class ProtocolVersion
{
    /// <summary>
    /// Whether a receiver of this protocol version understands a message. Features are off while a member does not know them
    /// (<see cref="Versions.Feature"/>), so a message that is dropped for this reason was meant for a member of another version that has
    /// just connected in its place.
    /// </summary>
    public static bool Knows(ushort version, Message message) => version >= 3 || message switch
    {
        FetchSnapshot or FetchSnapshotReply or TimeoutNow or StateHashReport => false,
        AppendEntries append => !append.NeedsSnapshot && !HasNewKind(append.Entries.Span),
        ForwardProposals forward => !HasNewKind(forward.Proposals.Span),
        RequestVote request => !request.IsTransfer,
        _ => true,
    };

    private static bool HasNewKind(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            if (entry.Kind is EntryKind.ClusterVersion or EntryKind.Configuration)
                return true;
        }

        return false;
    }

    private static bool HasNewKind(ReadOnlySpan<Proposal> proposals)
    {
        foreach (ref readonly var proposal in proposals)
        {
            if (proposal.Kind != EntryKind.Command)
                return true;
        }

        return false;
    }
}
