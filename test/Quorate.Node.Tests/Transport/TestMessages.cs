using CsCheck;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>Builds messages, encodes and decodes them, and formats them with every field.</summary>
internal static class TestMessages
{
    public const int MaxFrameBytes = 1 << 20;

    public static byte[] Encode(Message message) => Encode(message, GroupId.First);

    public static byte[] Encode(Message message, GroupId group)
    {
        var frame = new byte[WireEncoder.SizeOf(message)];
        WireEncoder.Encode(message, group, frame);
        return frame;
    }

    /// <summary>Decodes a frame as a receiver does; returns the message, or null for an unknown kind.</summary>
    public static Message? Decode(byte[] frame, WireDecoder? decoder = null)
    {
        var header = WireFrame.ReadHeader(frame, MaxFrameBytes);
        var body = frame.AsMemory(WireFrame.HeaderBytes);
        WireFrame.CheckBody(header, body.Span);
        return (decoder ?? new WireDecoder()).TryDecode(header.Kind, body, out var message) ? message : null;
    }

    /// <summary>Builds a frame with another body under the same kind, with correct checksums.</summary>
    public static byte[] Reseal(byte[] frame, ReadOnlySpan<byte> body)
    {
        var changed = new byte[WireFrame.HeaderBytes + body.Length];
        body.CopyTo(changed.AsSpan(WireFrame.HeaderBytes));
        WireFrame.Seal(changed, (WireFrameKind)frame[4], GroupId.First);
        return changed;
    }

    public static string Show(Message? message) =>
        message is null ? "nothing" : $"{message.GetType().Name} {message.From}>{message.To} t{message.Term} " + message switch
        {
            AppendEntries it =>
                $"previous {it.Previous} commit {it.LeaderCommit} round {it.Round} {(it.NeedsSnapshot ? "needs snapshot " : "")}" +
                (it.QuorumIsShortOfSpace ? "quorum short of space " : "") +
                (it.LeaseMilliseconds == 0 ? "" : $"lease {it.LeaseMilliseconds} ms at {it.LeaseStamp} ") +
                $"entries[{string.Join(", ", it.Entries.ToArray().Select(Show))}]",
            AppendEntriesReply it =>
                $"accepted {it.Accepted} index {it.Index} hint {it.Hint} round {it.Round}{(it.IsShortOfSpace ? " short of space" : "")}"
                + (it.CannotWrite ? " cannot write" : "") + (it.IsRepairing ? " repairing" : "")
                + (it.LeaseStamp == 0 ? "" : $" lease at {it.LeaseStamp}"),
            RequestVote it => $"pre {it.PreVote} last {it.LastEntry}{(it.IsTransfer ? " transfer" : "")}",
            RequestVoteReply it => $"pre {it.PreVote} granted {it.Granted}",
            ForwardProposals it =>
                $"proposals[{string.Join(", ", it.Proposals.ToArray().Select(Show))}]",
            RejectProposals it => $"{it.FirstSequence}..{it.LastSequence} {it.Reason}",
            ReadIndexRequest it => $"id {it.ReadId}",
            ReadIndexReply it => $"id {it.ReadId} granted {it.Granted} index {it.Index}",
            FetchSnapshot it => $"last {it.Last} nonce {it.Nonce} file {it.FileBytes} offset {it.Offset} length {it.Length}",
            FetchSnapshotReply it =>
                $"last {it.Last} nonce {it.Nonce} file {it.FileBytes} offset {it.Offset} '{Convert.ToHexString(it.Bytes.Span)}'",
            TimeoutNow it => $"last {it.LastIndex}",
            StateHashReport it => $"after {it.Index} hash {it.Hash:x16}",
            _ => throw new ArgumentException($"{message.GetType().Name} has no text format yet", nameof(message)),
        };

    private static Configuration Members { get; } = new(
        [new NodeId(0xB1)], [new NodeId(0xB2)], [new NodeId(0xB3)],
        [
            Member.Initial(new NodeId(0xB1)),
            new Member { Id = new NodeId(0xB2), Directory = new DirectoryId(0xB4), Address = "host:1", Data = "data" },
            new Member { Id = new NodeId(0xB3), PromoteWhenReady = true },
        ]);

    private static ConfigurationChange Change { get; } = new()
    {
        Changes =
        [
            MemberChange.AddLearner(new NodeId(0xB5), "host:2", "more", promoteWhenReady: true),
            MemberChange.Remove(new NodeId(0xB6)),
        ],
        ExpectedIndex = new LogIndex(0xB7),
    };

    /// <summary>One message of each kind, every field with a different value, so that swapped fields are detected.</summary>
    public static IEnumerable<Message> OneOfEach()
    {
        var (from, to, term) = (new NodeId(0x0102030405060708), new NodeId(0x1112131415161718), new Term(0x2122232425262728));
        var previous = new EntryId(new Term(0x31), new LogIndex(0x4142434445464748));
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x51), Round = 0x61
        };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x52), Round = 0x62,
            Entries = new LogEntry[]
            {
                LogEntry.NoOp(new Term(0x32), previous.Index + 1),
                new(new EntryId(new Term(0x33), previous.Index + 2), EntryKind.Command, new ProposalId(from, 0x71), "one"u8.ToArray()),
                new(new EntryId(new Term(0x33), previous.Index + 3), EntryKind.Configuration, new ProposalId(to, 0x72),
                    ConfigurationCodec.Encode(Members)),
            },
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Accepted = true, Index = new LogIndex(0x53), Round = 0x63
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Index = new LogIndex(0x54), Hint = new EntryId(new Term(0x34), new LogIndex(0x55)),
            Round = 0x64,
        };
        yield return new RequestVote { From = from, To = to, Term = term, PreVote = true, LastEntry = previous };
        yield return new RequestVote { From = from, To = to, Term = term, LastEntry = previous };
        yield return new RequestVoteReply { From = from, To = to, Term = term, PreVote = true };
        yield return new RequestVoteReply { From = from, To = to, Term = term, Granted = true };
        yield return new ForwardProposals
        {
            From = from, To = to, Term = term,
            Proposals =
                new Proposal[]
                {
                    new(new ProposalId(from, 0x73), "first"u8.ToArray()), new(new ProposalId(from, 0x74), "second"u8.ToArray())
                },
        };
        yield return new RejectProposals
        {
            From = from, To = to, Term = term, FirstSequence = 0x75, LastSequence = 0x76, Reason = RejectReason.Busy
        };
        yield return new ReadIndexRequest { From = from, To = to, Term = term, ReadId = 0x81 };
        yield return new ReadIndexReply { From = from, To = to, Term = term, ReadId = 0x82, Granted = true, Index = new LogIndex(0x56) };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x57), Round = 0x65, NeedsSnapshot = true,
        };
        yield return new FetchSnapshot
        {
            From = from, To = to, Term = term, Last = previous, Nonce = 0x91, FileBytes = 0xA300, Offset = 0xA1, Length = 0xA2,
        };
        yield return new FetchSnapshotReply
        {
            From = from, To = to, Term = term, Last = previous, Nonce = 0x92, FileBytes = 0xA400, Offset = 0xA5,
            Bytes = "bytes"u8.ToArray(),
        };
        yield return new RequestVote { From = from, To = to, Term = term, IsTransfer = true, LastEntry = previous };
        yield return new TimeoutNow { From = from, To = to, Term = term, LastIndex = new LogIndex(0x57) };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x58), Round = 0x66,
            Entries = new LogEntry[]
            {
                new(new EntryId(new Term(0x33), previous.Index + 1), EntryKind.ClusterVersion, ProposalId.None,
                    VersionAt.Encode(new ClusterVersion(0x0102, 0x0304))),
            },
        };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x59), Round = 0x68,
            QuorumIsShortOfSpace = true,
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Index = new LogIndex(0x59), Round = 0x67, IsShortOfSpace = true,
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Index = new LogIndex(0x5B), Round = 0x69, CannotWrite = true,
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Index = new LogIndex(0x5C), Round = 0x6A, IsRepairing = true,
        };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x5D), Round = 0x6B,
            LeaseMilliseconds = 0xB1B2B3B4, LeaseStamp = 0xC1C2C3C4C5C6C7C8,
        };
        yield return new AppendEntries
        {
            From = from, To = to, Term = term, Previous = previous, LeaderCommit = new LogIndex(0x5E), Round = 0x6C,
            LeaseMilliseconds = 0xB5, LeaseStamp = 0xC9, Entries = new LogEntry[]
            {
                new(new EntryId(new Term(0x33), previous.Index + 1), EntryKind.Command, new ProposalId(from, 0x77), "two"u8.ToArray()),
            },
        };
        yield return new AppendEntriesReply
        {
            From = from, To = to, Term = term, Accepted = true, Index = new LogIndex(0x5F), Round = 0x6D,
            LeaseStamp = 0xD1D2D3D4D5D6D7D8,
        };
        yield return new StateHashReport { From = from, To = to, Term = term, Index = new LogIndex(0x5A), Hash = 0xA6 };
        yield return new ForwardProposals
        {
            From = from, To = to, Term = term,
            Proposals = new Proposal[]
            {
                new(new ProposalId(from, 0x77), Change.Encode()) { Kind = EntryKind.Configuration },
            },
        };
    }

    /// <summary>Generates any message that a core may send.</summary>
    public static Gen<Message> AnyMessage { get; } = Gen.OneOf(
        AnyAppendEntries(),
        Gen.Select(Gen.Bool, Gen.ULong, AnyEntryId(), Gen.ULong, Gen.Int[0, 7], (accepted, index, hint, round, flags) =>
            (Message)new AppendEntriesReply
            {
                Accepted = accepted, Index = new LogIndex(index), Hint = hint, Round = round, IsShortOfSpace = (flags & 1) != 0,
                CannotWrite = (flags & 2) != 0, IsRepairing = (flags & 4) != 0, LeaseStamp = (flags & 1) == 0 ? 0 : index ^ round,
            }),
        Gen.Select(Gen.Bool, Gen.Bool, AnyEntryId(), (preVote, transfer, last) =>
            (Message)new RequestVote { PreVote = preVote, IsTransfer = transfer, LastEntry = last }),
        Gen.ULong.Select(last => (Message)new TimeoutNow { LastIndex = new LogIndex(last) }),
        Gen.Select(Gen.ULong, Gen.ULong, (index, hash) => (Message)new StateHashReport { Index = new LogIndex(index), Hash = hash }),
        Gen.Select(Gen.Bool, Gen.Bool, (preVote, granted) => (Message)new RequestVoteReply { PreVote = preVote, Granted = granted }),
        Gen.Select(AnyProposalId(), AnyPayload(), (id, command) => new Proposal(id, command)).Array[0, 20]
            .Select(proposals => (Message)new ForwardProposals { Proposals = proposals }),
        Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[1, 5], (a, b, reason) => (Message)new RejectProposals
        {
            FirstSequence = Math.Min(a, b), LastSequence = Math.Max(a, b), Reason = (RejectReason)reason,
        }),
        Gen.ULong.Select(id => (Message)new ReadIndexRequest { ReadId = id }),
        Gen.Select(Gen.ULong, Gen.Bool, Gen.ULong, (id, granted, index) =>
            (Message)new ReadIndexReply { ReadId = id, Granted = granted, Index = new LogIndex(index) }),
        Gen.Select(AnyEntryId(), Gen.ULong, Gen.Long[0, long.MaxValue], Gen.Int[1, FetchSnapshotReply.MaxBytes],
            (last, nonce, offset, size) =>
            (Message)new FetchSnapshot { Last = last, Nonce = nonce, FileBytes = offset, Offset = offset / 2, Length = size }),
        Gen.Select(AnyEntryId(), Gen.ULong, Gen.Long[0, 1L << 40], AnyPayload(), (last, nonce, offset, bytes) =>
            (Message)new FetchSnapshotReply
            {
                Last = last, Nonce = nonce, FileBytes = offset + bytes.Length, Offset = offset, Bytes = bytes,
            }))
        .SelectMany(message => Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, (from, to, term) =>
        {
            message.From = new NodeId(from);
            message.To = new NodeId(to);
            if (message is not AppendEntries)
                message.Term = new Term(term);
            return message;
        }));

    private static string Show(Proposal proposal) =>
        $"{proposal.Id} {(proposal.Kind == EntryKind.Command ? "" : $"{proposal.Kind} ")}'{Convert.ToHexString(proposal.Command.Span)}'";

    private static string Show(LogEntry entry) => $"{entry.Id} {entry.Kind} {entry.Proposal} '{Convert.ToHexString(entry.Payload.Span)}'";

    private static Gen<EntryId> AnyEntryId() =>
        Gen.Select(Gen.ULong, Gen.ULong, (term, index) => new EntryId(new Term(term), new LogIndex(index)));

    private static Gen<ProposalId> AnyProposalId() =>
        Gen.Select(Gen.ULong, Gen.ULong, (origin, sequence) => new ProposalId(new NodeId(origin), sequence));

    private static Gen<byte[]> AnyPayload() => Gen.Byte.Array[0, 200];

    private static Gen<Message> AnyAppendEntries() => Gen.Select(
        Gen.ULong[0, 1000], Gen.ULong[0, ulong.MaxValue - 100], Gen.ULong, Gen.ULong,
        Gen.Select(Gen.ULong[0, 3], Gen.Int[1, 3], AnyProposalId(), AnyPayload()).Array[0, 20],
        (previousTerm, previousIndex, commit, round, parts) =>
        {
            var term = previousTerm;
            var entries = new LogEntry[parts.Length];
            for (var i = 0; i < parts.Length; i++)
            {
                var (step, kind, proposal, payload) = parts[i];
                term += step;
                if (kind == (int)EntryKind.Configuration)
                    payload = ConfigurationCodec.Encode(Members);
                entries[i] =
                    new LogEntry(new EntryId(new Term(term), new LogIndex(previousIndex) + (i + 1)), (EntryKind)kind, proposal, payload);
            }

            return (Message)new AppendEntries
            {
                Term = new Term(term), Previous = new EntryId(new Term(previousTerm), new LogIndex(previousIndex)),
                LeaderCommit = new LogIndex(commit), Round = round, Entries = entries,
            };
        });
}
