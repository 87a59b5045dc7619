using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Decodes messages into reused instances.</summary>
/// <remarks>
/// Lifetime: a decoded message is valid until the next one is decoded. Payloads are slices of the body that was passed in; if <see
/// cref="RetainsBody"/> is true for a frame, its body belongs to the log from then on and is never pooled.
/// Errors: <see cref="WireFormatException"/> and no other, for any bytes. Counts and lengths are checked against the available bytes before
/// anything is allocated for them. The layout is in <see cref="WireEncoder"/>.
/// </remarks>
internal sealed class WireDecoder
{
    /// <summary>The largest scratch array that is kept between messages, in elements.</summary>
    private const int ScratchMax = 65_536;

    private readonly AppendEntries _appendEntries = new();
    private readonly AppendEntriesReply _appendEntriesReply = new();
    private readonly RequestVote _requestVote = new();
    private readonly RequestVoteReply _requestVoteReply = new();
    private readonly ForwardProposals _forwardProposals = new();
    private readonly RejectProposals _rejectProposals = new();
    private readonly ReadIndexRequest _readIndexRequest = new();
    private readonly ReadIndexReply _readIndexReply = new();
    private readonly FetchSnapshot _fetchSnapshot = new();
    private readonly FetchSnapshotReply _fetchSnapshotReply = new();
    private readonly TimeoutNow _timeoutNow = new();
    private readonly StateHashReport _stateHashReport = new();

    private LogEntry[] _entries = new LogEntry[64];
    private Proposal[] _proposals = new Proposal[64];

    /// <summary>Whether the log or a received snapshot references the body of such a frame after it has been decoded.</summary>
    public static bool RetainsBody(in WireFrameHeader header) => header.Kind switch
    {
        // A heartbeat may request a lease, which is shorter than the header of an entry.
        WireFrameKind.AppendEntries => header.BodyBytes >= WireEncoder.AppendEntriesFixedBytes + WireEncoder.EntryHeaderBytes,
        WireFrameKind.ForwardProposals or WireFrameKind.FetchSnapshotReply => true,
        _ => false,
    };

    /// <summary>Decodes a body; returns false for a kind that this version does not know.</summary>
    public bool TryDecode(WireFrameKind kind, ReadOnlyMemory<byte> body, [NotNullWhen(true)] out Message? message)
    {
        ReleasePayloads();
        var reader = new WireReader(body.Span);
        message = kind switch
        {
            WireFrameKind.AppendEntries => _appendEntries,
            WireFrameKind.AppendEntriesReply => _appendEntriesReply,
            WireFrameKind.RequestVote => _requestVote,
            WireFrameKind.RequestVoteReply => _requestVoteReply,
            WireFrameKind.ForwardProposals => _forwardProposals,
            WireFrameKind.RejectProposals => _rejectProposals,
            WireFrameKind.ReadIndexRequest => _readIndexRequest,
            WireFrameKind.ReadIndexReply => _readIndexReply,
            WireFrameKind.FetchSnapshot => _fetchSnapshot,
            WireFrameKind.FetchSnapshotReply => _fetchSnapshotReply,
            WireFrameKind.TimeoutNow => _timeoutNow,
            WireFrameKind.StateHashReport => _stateHashReport,
            _ => null,
        };
        if (message is null)
            return false;

        message.From = new NodeId(reader.UInt64());
        message.To = new NodeId(reader.UInt64());
        message.Term = new Term(reader.UInt64());
        Read(message, body, ref reader);
        return true;
    }

    private void Read(Message message, ReadOnlyMemory<byte> body, ref WireReader reader)
    {
        switch (message)
        {
            case AppendEntries it:
                Read(it, body, ref reader);
                break;

            case AppendEntriesReply it:
                var replyFlags = ReadFlags(ref reader);
                it.Accepted = (replyFlags & 1) != 0;
                it.IsShortOfSpace = (replyFlags & 2) != 0;
                it.CannotWrite = (replyFlags & 4) != 0;
                it.IsRepairing = (replyFlags & 8) != 0;
                it.Index = new LogIndex(reader.UInt64());
                it.Hint = ReadEntryId(ref reader);
                it.Round = reader.UInt64();
                it.LeaseStamp = reader.Remaining >= WireEncoder.LeaseGrantBytes ? reader.UInt64() : 0;
                break;

            case RequestVote it:
                var requestFlags = ReadFlags(ref reader);
                it.PreVote = (requestFlags & 1) != 0;
                it.IsTransfer = (requestFlags & 2) != 0;
                it.LastEntry = ReadEntryId(ref reader);
                break;

            case RequestVoteReply it:
                var flags = ReadFlags(ref reader);
                it.PreVote = (flags & 1) != 0;
                it.Granted = (flags & 2) != 0;
                break;

            case ForwardProposals it:
                Read(it, body, ref reader);
                break;

            case RejectProposals it:
                Read(it, ref reader);
                break;

            case ReadIndexRequest it:
                it.ReadId = reader.UInt64();
                break;

            case ReadIndexReply it:
                it.ReadId = reader.UInt64();
                it.Index = new LogIndex(reader.UInt64());
                it.Granted = (ReadFlags(ref reader) & 1) != 0;
                break;

            case FetchSnapshot it:
                Read(it, ref reader);
                break;

            case FetchSnapshotReply it:
                Read(it, body, ref reader);
                break;

            case TimeoutNow it:
                it.LastIndex = new LogIndex(reader.UInt64());
                break;

            case StateHashReport it:
                it.Index = new LogIndex(reader.UInt64());
                it.Hash = reader.UInt64();
                break;

            default:
                throw Invariant.Unreachable($"every message type has a decoder; add {message.GetType().Name} to WireDecoder.Read");
        }
    }

    private void Read(AppendEntries message, ReadOnlyMemory<byte> body, ref WireReader reader)
    {
        message.Previous = ReadEntryId(ref reader);
        message.LeaderCommit = new LogIndex(reader.UInt64());
        message.Round = reader.UInt64();
        var count = ReadCount(ref reader, WireEncoder.EntryHeaderBytes, out var headerBytes, out var flags);
        message.NeedsSnapshot = (flags & 1) != 0;
        message.QuorumIsShortOfSpace = (flags & 2) != 0;
        if (message.Previous.Index.Value > ulong.MaxValue - (ulong)count)
            throw new WireFormatException($"the indexes of {count} entries after {message.Previous} overflow");
        if (_entries.Length < count)
            _entries = new LogEntry[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count)];

        var payloadAt = reader.Position + (count * headerBytes);
        var term = message.Previous.Term;
        for (var i = 0; i < count; i++)
        {
            var kind = (EntryKind)reader.Byte();
            if (kind is < EntryKind.NoOp or > EntryKind.ClusterVersion)
                throw new WireFormatException($"unknown entry kind {(byte)kind}");
            reader.Skip(3);
            var payload = Slice(body, ref payloadAt, reader.UInt32());
            var entryTerm = new Term(reader.UInt64());
            if (entryTerm < term || entryTerm > message.Term)
            {
                throw new WireFormatException(
                    $"an entry of term {entryTerm} cannot follow term {term} in a message of term {message.Term}");
            }

            term = entryTerm;
            var proposal = new ProposalId(new NodeId(reader.UInt64()), reader.UInt64());
            if (kind == EntryKind.Configuration && !ConfigurationCodec.TryDecode(payload.Span, out _, out var wrong, out _))
                throw new WireFormatException($"the payload of entry {message.Previous.Index + (i + 1)} is no configuration: {wrong}");
            reader.Skip(headerBytes - WireEncoder.EntryHeaderBytes);
            _entries[i] = new LogEntry(new EntryId(term, message.Previous.Index + (i + 1)), kind, proposal, payload);
        }

        message.Entries = _entries.AsMemory(0, count);
        ReadLeaseRequest(message, body.Span[payloadAt..]);
    }

    /// <summary>Reads what follows the payloads: nothing, unless the leader requests a lease.</summary>
    private static void ReadLeaseRequest(AppendEntries message, ReadOnlySpan<byte> rest)
    {
        var reader = new WireReader(rest);
        var isThere = reader.Remaining >= WireEncoder.LeaseRequestBytes;
        message.LeaseStamp = isThere ? reader.UInt64() : 0;
        message.LeaseMilliseconds = isThere ? reader.UInt32() : 0;
    }

    private void Read(ForwardProposals message, ReadOnlyMemory<byte> body, ref WireReader reader)
    {
        var count = ReadCount(ref reader, WireEncoder.ProposalHeaderBytes, out var headerBytes, out _);
        if (_proposals.Length < count)
            _proposals = new Proposal[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count)];

        var commandAt = reader.Position + (count * headerBytes);
        for (var i = 0; i < count; i++)
        {
            var id = new ProposalId(new NodeId(reader.UInt64()), reader.UInt64());
            var command = Slice(body, ref commandAt, reader.UInt32());
            var kind = reader.Byte();
            if (kind is not (0 or (byte)EntryKind.Configuration))
                throw new WireFormatException($"unknown kind of proposal {kind}");
            reader.Skip(headerBytes - WireEncoder.ProposalHeaderBytes + 3);
            _proposals[i] = new Proposal(id, command) { Kind = kind == 0 ? EntryKind.Command : EntryKind.Configuration };
        }

        message.Proposals = _proposals.AsMemory(0, count);
    }

    private static void Read(RejectProposals message, ref WireReader reader)
    {
        message.FirstSequence = reader.UInt64();
        message.LastSequence = reader.UInt64();
        if (message.FirstSequence > message.LastSequence)
        {
            throw new WireFormatException(
                $"the range {message.FirstSequence}..{message.LastSequence} of rejected proposals is empty");
        }

        // Every reason means that nothing was appended. A reason of a later version decodes as NoLeader: the proposal may be repeated.
        var reason = (RejectReason)reader.Byte();
        message.Reason = Enum.IsDefined(reason) ? reason : RejectReason.NoLeader;
        reader.Skip(7);
    }

    private static void Read(FetchSnapshot message, ref WireReader reader)
    {
        message.Last = ReadEntryId(ref reader);
        message.Nonce = reader.UInt64();
        message.FileBytes = ReadOffset(ref reader);
        message.Offset = ReadOffset(ref reader);
        var length = reader.UInt32();
        if (length is 0 or > FetchSnapshotReply.MaxBytes)
            throw new WireFormatException($"{length} bytes of a snapshot were requested; a chunk has 1 to {FetchSnapshotReply.MaxBytes}");
        message.Length = (int)length;
        reader.Skip(4);
    }

    private static void Read(FetchSnapshotReply message, ReadOnlyMemory<byte> body, ref WireReader reader)
    {
        message.Last = ReadEntryId(ref reader);
        message.Nonce = reader.UInt64();
        message.Offset = ReadOffset(ref reader);
        message.FileBytes = ReadOffset(ref reader);
        var length = reader.UInt32();
        reader.Skip(4);
        if (length > FetchSnapshotReply.MaxBytes || message.Offset > message.FileBytes || length > message.FileBytes - message.Offset)
        {
            throw new WireFormatException(
                $"a chunk of {length} bytes at {message.Offset} is not within a snapshot of {message.FileBytes} bytes");
        }

        var at = reader.Position;
        message.Bytes = Slice(body, ref at, length);
    }

    private static long ReadOffset(ref WireReader reader)
    {
        var value = reader.UInt64();
        return value <= long.MaxValue ? (long)value : throw new WireFormatException($"{value} is not an offset in a file");
    }

    /// <summary>Reads a count of headers and the length of each, and verifies that the body contains all of them.</summary>
    private static int ReadCount(ref WireReader reader, int headerBytesMin, out int headerBytes, out byte flags)
    {
        var count = reader.UInt32();
        headerBytes = reader.UInt16();
        flags = reader.Byte();
        reader.Skip(1);
        if (headerBytes < headerBytesMin)
            throw new WireFormatException($"a header of {headerBytes} bytes is shorter than the {headerBytesMin} of the first version");
        if ((long)count * headerBytes > reader.Remaining)
        {
            throw new WireFormatException(
                $"{count} headers of {headerBytes} bytes do not fit into the {reader.Remaining} bytes that are left");
        }

        return (int)count;
    }

    private static ReadOnlyMemory<byte> Slice(ReadOnlyMemory<byte> body, ref int at, uint length)
    {
        if (length > (uint)(body.Length - at))
            throw new WireFormatException($"{length} bytes of payload do not fit into the {body.Length - at} bytes that are left");
        var slice = body.Slice(at, (int)length);
        at += (int)length;
        return slice;
    }

    private static EntryId ReadEntryId(ref WireReader reader) => new(new Term(reader.UInt64()), new LogIndex(reader.UInt64()));

    private static byte ReadFlags(ref WireReader reader)
    {
        var flags = reader.Byte();
        reader.Skip(7);
        return flags;
    }

    /// <summary>Releases the payloads of the previous message, which the log may have dropped long ago.</summary>
    private void ReleasePayloads()
    {
        _entries.AsSpan(0, _appendEntries.Entries.Length).Clear();
        _appendEntries.Entries = default;
        if (_entries.Length > ScratchMax)
            _entries = new LogEntry[64];

        _fetchSnapshotReply.Bytes = default;
        _proposals.AsSpan(0, _forwardProposals.Proposals.Length).Clear();
        _forwardProposals.Proposals = default;
        if (_proposals.Length > ScratchMax)
            _proposals = new Proposal[64];
    }
}
