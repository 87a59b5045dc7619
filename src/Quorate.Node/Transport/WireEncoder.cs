using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>
/// Encodes messages. Every body begins with the same fields; the rest depends on the kind. All integers are little-endian.
/// </summary>
/// <remarks><code>
///   every kind            0  8  from        8  8  to        16  8  term
///   AppendEntries        24  8  previous term    32  8  previous index    40  8  leader commit    48  8  round
///                        56  4  count of entries 60  2  bytes of one entry header, 32 here
///                        62  1  flags: 1 needs snapshot, 2 quorum short of space   63  1  zero
///                        64  …  entry headers, then all payloads end to end
///                         …  8  lease stamp, 4 lease milliseconds, 4 zero: only with a lease
///     entry header        0  1  entry kind   1  3  zero   4  4  payload bytes   8  8  term   16  8  proposal origin   24  8  its sequence
///   AppendEntriesReply   24  1  flags: 1 accepted, 2 short of space, 4 cannot write, 8 repairing   25  7  zero   32  8  index
///                        40  8  hint term   48  8  hint index   56  8  round   64  8  lease stamp: only with a lease
///   RequestVote          24  1  flags: 1 pre-vote, 2 transfer   25  7  zero   32  8  last term   40  8  last index
///   RequestVoteReply     24  1  flags: 1 pre-vote, 2 granted   25  7  zero
///   ForwardProposals     24  4  count of proposals   28  2  bytes of one proposal header, 24 here   30  2  zero
///                        32  …  proposal headers, then all commands end to end
///     proposal header     0  8  origin   8  8  sequence   16  4  command bytes
///                         20  1  kind: 0 command, 3 change of the configuration   21  3  zero
///   RejectProposals      24  8  first sequence   32  8  last sequence   40  1  reason   41  7  zero
///   ReadIndexRequest     24  8  read id
///   ReadIndexReply       24  8  read id   32  8  index   40  1  flags: 1 granted   41  7  zero
///   FetchSnapshot      24  8  last term   32  8  last index   40  8  nonce   48  8  bytes of the whole file   56  8  offset
///                        64  4  length   68  4  zero
///   FetchSnapshotReply        24  8  last term   32  8  last index   40  8  nonce   48  8  offset   56  8  bytes of the whole file
///                        64  4  length   68  4  zero   72  …  bytes of the file
///   TimeoutNow           24  8  last index
///   StateHashReport      24  8  index   32  8  hash
/// </code>
/// The index of an entry is not sent: entries are contiguous and begin after the previous one.
/// A later version may append fields to a body, or lengthen the header of an entry; this version skips them. See docs/formats/wire.md.
/// </remarks>
internal static class WireEncoder
{
    public const int AppendEntriesFixedBytes = 64;
    public const int EntryHeaderBytes = 32;
    public const int AppendEntriesReplyBytes = 64;
    public const int LeaseRequestBytes = 16;
    public const int LeaseGrantBytes = 8;
    public const int RequestVoteBytes = 48;
    public const int RequestVoteReplyBytes = 32;
    public const int ForwardProposalsFixedBytes = 32;
    public const int ProposalHeaderBytes = 24;
    public const int RejectProposalsBytes = 48;
    public const int ReadIndexRequestBytes = 32;
    public const int ReadIndexReplyBytes = 48;
    public const int FetchSnapshotBytes = 72;
    public const int FetchSnapshotReplyFixedBytes = 72;
    public const int TimeoutNowBytes = 32;
    public const int StateHashReportBytes = 40;

    /// <summary>Computes the number of bytes that <see cref="Encode"/> writes, including the header.</summary>
    public static long SizeOf(Message message) => WireFrame.HeaderBytes + message switch
    {
        AppendEntries it => AppendEntriesFixedBytes + SizeOf(it.Entries.Span) + (it.LeaseMilliseconds == 0 ? 0 : LeaseRequestBytes),
        AppendEntriesReply it => AppendEntriesReplyBytes + (it.LeaseStamp == 0 ? 0 : LeaseGrantBytes),
        RequestVote => RequestVoteBytes,
        RequestVoteReply => RequestVoteReplyBytes,
        ForwardProposals it => ForwardProposalsFixedBytes + SizeOf(it.Proposals.Span),
        RejectProposals => RejectProposalsBytes,
        ReadIndexRequest => ReadIndexRequestBytes,
        ReadIndexReply => ReadIndexReplyBytes,
        FetchSnapshot => FetchSnapshotBytes,
        FetchSnapshotReply it => FetchSnapshotReplyFixedBytes + it.Bytes.Length,
        TimeoutNow => TimeoutNowBytes,
        StateHashReport => StateHashReportBytes,
        _ => throw Unknown(message),
    };

    /// <summary>
    /// Encodes a whole frame of a group. <paramref name="frame"/> has exactly <see cref="SizeOf(Message)"/> bytes.
    /// </summary>
    public static void Encode(Message message, GroupId group, Span<byte> frame)
    {
        var writer = new WireWriter(frame[WireFrame.HeaderBytes..]);
        writer.UInt64(message.From.Value);
        writer.UInt64(message.To.Value);
        writer.UInt64(message.Term.Value);
        WireFrame.Seal(frame, Write(message, ref writer), group);
    }

    private static WireFrameKind Write(Message message, ref WireWriter writer)
    {
        switch (message)
        {
            case AppendEntries it:
                Write(it, ref writer);
                return WireFrameKind.AppendEntries;

            case AppendEntriesReply it:
                WriteFlags(ref writer, it.Accepted, it.IsShortOfSpace, it.CannotWrite, it.IsRepairing);
                writer.UInt64(it.Index.Value);
                Write(it.Hint, ref writer);
                writer.UInt64(it.Round);
                if (it.LeaseStamp != 0)
                    writer.UInt64(it.LeaseStamp);
                return WireFrameKind.AppendEntriesReply;

            case RequestVote it:
                WriteFlags(ref writer, it.PreVote, it.IsTransfer);
                Write(it.LastEntry, ref writer);
                return WireFrameKind.RequestVote;

            case RequestVoteReply it:
                WriteFlags(ref writer, it.PreVote, it.Granted);
                return WireFrameKind.RequestVoteReply;

            case ForwardProposals it:
                Write(it, ref writer);
                return WireFrameKind.ForwardProposals;

            case RejectProposals it:
                writer.UInt64(it.FirstSequence);
                writer.UInt64(it.LastSequence);
                writer.Byte((byte)it.Reason);
                writer.Zeroes(7);
                return WireFrameKind.RejectProposals;

            case ReadIndexRequest it:
                writer.UInt64(it.ReadId);
                return WireFrameKind.ReadIndexRequest;

            case ReadIndexReply it:
                writer.UInt64(it.ReadId);
                writer.UInt64(it.Index.Value);
                WriteFlags(ref writer, it.Granted, false);
                return WireFrameKind.ReadIndexReply;

            case FetchSnapshot it:
                Write(it.Last, ref writer);
                writer.UInt64(it.Nonce);
                writer.UInt64((ulong)it.FileBytes);
                writer.UInt64((ulong)it.Offset);
                writer.UInt32((uint)it.Length);
                writer.Zeroes(4);
                return WireFrameKind.FetchSnapshot;

            case FetchSnapshotReply it:
                Write(it.Last, ref writer);
                writer.UInt64(it.Nonce);
                writer.UInt64((ulong)it.Offset);
                writer.UInt64((ulong)it.FileBytes);
                writer.UInt32((uint)it.Bytes.Length);
                writer.Zeroes(4);
                writer.Bytes(it.Bytes.Span);
                return WireFrameKind.FetchSnapshotReply;

            case TimeoutNow it:
                writer.UInt64(it.LastIndex.Value);
                return WireFrameKind.TimeoutNow;

            case StateHashReport it:
                writer.UInt64(it.Index.Value);
                writer.UInt64(it.Hash);
                return WireFrameKind.StateHashReport;

            default:
                throw Unknown(message);
        }
    }

    private static void Write(AppendEntries message, ref WireWriter writer)
    {
        var entries = message.Entries.Span;
        Write(message.Previous, ref writer);
        writer.UInt64(message.LeaderCommit.Value);
        writer.UInt64(message.Round);
        writer.UInt32((uint)entries.Length);
        writer.UInt16(EntryHeaderBytes);
        writer.Byte((byte)((message.NeedsSnapshot ? 1 : 0) | (message.QuorumIsShortOfSpace ? 2 : 0)));
        writer.Zeroes(1);

        var index = message.Previous.Index.Value;
        foreach (ref readonly var entry in entries)
        {
            // The receiver counts the indexes up from the previous one: with a gap it would store entries at wrong indexes.
            index++;
            Invariant.That(entry.Index.Value == index, "the entries of a message are contiguous");
            writer.Byte((byte)entry.Kind);
            writer.Zeroes(3);
            writer.UInt32((uint)entry.Payload.Length);
            writer.UInt64(entry.Term.Value);
            writer.UInt64(entry.Proposal.Origin.Value);
            writer.UInt64(entry.Proposal.Sequence);
        }

        foreach (ref readonly var entry in entries)
            writer.Bytes(entry.Payload.Span);
        if (message.LeaseMilliseconds == 0)
            return;
        writer.UInt64(message.LeaseStamp);
        writer.UInt32(message.LeaseMilliseconds);
        writer.Zeroes(4);
    }

    private static void Write(ForwardProposals message, ref WireWriter writer)
    {
        var proposals = message.Proposals.Span;
        writer.UInt32((uint)proposals.Length);
        writer.UInt16(ProposalHeaderBytes);
        writer.Zeroes(2);
        foreach (ref readonly var proposal in proposals)
        {
            writer.UInt64(proposal.Id.Origin.Value);
            writer.UInt64(proposal.Id.Sequence);
            writer.UInt32((uint)proposal.Command.Length);
            writer.Byte(proposal.Kind == EntryKind.Configuration ? (byte)EntryKind.Configuration : (byte)0);
            writer.Zeroes(3);
        }

        foreach (ref readonly var proposal in proposals)
            writer.Bytes(proposal.Command.Span);
    }

    private static void Write(EntryId id, ref WireWriter writer)
    {
        writer.UInt64(id.Term.Value);
        writer.UInt64(id.Index.Value);
    }

    private static void WriteFlags(ref WireWriter writer, bool first, bool second, bool third = false, bool fourth = false)
    {
        writer.Byte((byte)((first ? 1 : 0) | (second ? 2 : 0) | (third ? 4 : 0) | (fourth ? 8 : 0)));
        writer.Zeroes(7);
    }

    private static long SizeOf(ReadOnlySpan<LogEntry> entries)
    {
        var bytes = (long)entries.Length * EntryHeaderBytes;
        foreach (ref readonly var entry in entries)
            bytes += entry.Payload.Length;
        return bytes;
    }

    private static long SizeOf(ReadOnlySpan<Proposal> proposals)
    {
        var bytes = (long)proposals.Length * ProposalHeaderBytes;
        foreach (ref readonly var proposal in proposals)
            bytes += proposal.Command.Length;
        return bytes;
    }

    private static InvalidOperationException Unknown(Message message) =>
        new($"{message.GetType().Name} is not part of the wire format; add it to WireFrameKind, WireEncoder and WireDecoder");
}
