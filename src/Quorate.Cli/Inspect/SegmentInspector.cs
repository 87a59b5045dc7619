using System.Buffers.Binary;
using System.Globalization;
using Quorate.Kv;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Cli.Inspect;

/// <summary>Shows the frames and entries of segments, one segment after the other, and continues after corruption.</summary>
/// <remarks>
/// The end of a log may be a torn write, which is not corruption. Whether a frame that fails verification is the end shows only when no
/// frame follows, so it is printed when that is known. A start of the member decides by more than this (docs/formats/wal.md); of a whole
/// data directory, <see cref="WalInspector"/> shows that decision too.
/// </remarks>
internal sealed class SegmentInspector(InspectOutput output, bool decodeCommands, ConcurrentWrites concurrentWrites)
{
    private enum SectorKind
    {
        /// <summary>It was never written.</summary>
        Unwritten,

        /// <summary>A frame begins here; its header is valid.</summary>
        Frame,

        /// <summary>Anything else, also what the disk cannot read.</summary>
        Unknown,
    }

    private (string File, long Offset, string What, bool MayBeTorn)? _suspect;
    private ulong? _nextFrame;
    private SegmentHeader _header;
    private ReadOnlyFile _file = null!;
    private byte[] _frame = [];

    /// <summary>Shows the next segment.</summary>
    public void Inspect(ReadOnlyFile file)
    {
        _file = file;
        if (!TryReadHeader())
            return;
        long unwrittenFrom = -1;
        for (long offset = SegmentHeader.Bytes; offset < file.Length;)
        {
            var at = offset;
            switch (concurrentWrites.Read(() => KindOf(at), static kind => kind is SectorKind.Unknown))
            {
                case SectorKind.Unwritten:
                    unwrittenFrom = unwrittenFrom < 0 ? offset : unwrittenFrom;
                    offset += Sectors.Bytes;
                    break;
                case not SectorKind.Unwritten when unwrittenFrom >= 0 && KindOf(unwrittenFrom) == SectorKind.Frame:
                    // A running member has written there since.
                    (offset, unwrittenFrom) = (unwrittenFrom, -1);
                    break;
                case SectorKind.Frame:
                    if (unwrittenFrom >= 0)
                        Suspect(unwrittenFrom, "a frame is missing: its sectors were never written", mayBeTorn: false);
                    unwrittenFrom = -1;
                    offset += InspectFrame(offset);
                    break;
                default:
                    var end = EndOfUnknown(offset);
                    Suspect(
                        unwrittenFrom >= 0 ? unwrittenFrom : offset, $"bytes {offset} to {end} belong to no frame",
                        mayBeTorn: unwrittenFrom >= 0);
                    (offset, unwrittenFrom) = (end, -1);
                    break;
            }
        }

        if (unwrittenFrom >= 0)
        {
            output.Write(
                "unwritten", 1, string.Create(CultureInfo.InvariantCulture, $"never written from byte {unwrittenFrom} on"),
                ("file", file.Name), ("offset", unwrittenFrom));
        }
    }

    /// <summary>Shows what is known only at the end of the log.</summary>
    public void Finish()
    {
        if (_suspect is not { } suspect)
            return;
        _suspect = null;
        if (suspect.MayBeTorn)
        {
            output.Write(
                "torn", 1,
                string.Create(CultureInfo.InvariantCulture, $"torn write in {suspect.File} at byte {suspect.Offset}: {suspect.What}"),
                ("file", suspect.File), ("offset", suspect.Offset), ("what", suspect.What));
        }
        else
        {
            output.WriteCorruption(suspect.File, suspect.Offset, suspect.What);
        }
    }

    private bool TryReadHeader()
    {
        var bytes = Read(0, SegmentHeader.Bytes).ToArray();
        try
        {
            if (bytes.Length < SegmentHeader.Bytes)
                throw new WalCorruptionException(_file.Name, 0, "", "the header cannot be read", "");
            var sequence = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
            var isNamed = Segment.TryParseName(_file.Name, out var named);
            _header = SegmentHeader.Read(
                bytes, _file.Name, isNamed ? named : sequence, _file.Length, DirectoryStamp.Read(bytes.AsSpan(32)));
        }
        catch (WalCorruptionException e)
        {
            output.Write("segment", 0, $"{_file.Name}: no valid header", ("file", _file.Name));
            output.WriteCorruption(_file.Name, e.Offset, e.What);
            if (bytes.Length < SegmentHeader.Bytes)
                return false;

            // With the nonce, if it is right, the frames can be read.
            var nonce = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24));
            _header = new SegmentHeader((int)Math.Min(_file.Length, WalOptions.SegmentBytesMax), 0, nonce, default);
            return true;
        }
        catch (IOException e)
        {
            output.Write("segment", 0, $"{_file.Name}: {_file.Length} bytes", ("file", _file.Name));
            output.WriteUnsupported(_file.Name, e.Message);
            return false;
        }

        output.Write(
            "segment", 0,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{_file.Name}: segment {_header.Sequence}, format {SegmentHeader.Version}, {_header.FileBytes} bytes, " +
                $"nonce {_header.Nonce:x16}, directory {_header.Stamp.Directory}, member {_header.Stamp.Member}"),
            ("file", _file.Name), ("segment", _header.Sequence), ("format", (int)SegmentHeader.Version), ("bytes", _header.FileBytes),
            ("nonce", _header.Nonce.ToString("x16", CultureInfo.InvariantCulture)), ("directory", _header.Stamp.Directory),
            ("member", _header.Stamp.Member));
        return true;
    }

    private SectorKind KindOf(long offset)
    {
        var sector = Read(offset, Sectors.Bytes);
        if (sector.Length < Sectors.Bytes)
            return SectorKind.Unknown;
        if (Sectors.IsUnwritten(sector, _header.Nonce, offset))
            return SectorKind.Unwritten;
        return WalFrameHeader.TryRead(sector, _header.Nonce, offset, out var frame) && frame.LengthOnDisk > 0 &&
            frame.LengthOnDisk <= _file.Length - offset
            ? SectorKind.Frame
            : SectorKind.Unknown;
    }

    /// <summary>Shows a frame whose header is valid; returns its length on disk.</summary>
    private int InspectFrame(long offset)
    {
        _ = WalFrameHeader.TryRead(Read(offset, Sectors.Bytes), _header.Nonce, offset, out var frame);
        ConfirmSuspect();
        if (_nextFrame is { } expected && frame.Sequence != expected)
        {
            output.WriteCorruption(
                _file.Name, offset, string.Create(CultureInfo.InvariantCulture, $"frame {frame.Sequence} follows frame {expected - 1}"));
        }

        _nextFrame = frame.Sequence + 1;
        if (!output.IsSummary)
            WriteFrame(offset, frame);
        var (fault, mayBeTorn) = concurrentWrites.Read(() => VerifyFrame(offset, frame), static result => result.Fault.Length > 0);
        if (!output.IsSummary)
            WriteEntries(offset, frame);
        if (fault.Length > 0)
            Suspect(offset, $"frame {frame.Sequence}: {fault}", mayBeTorn);
        return frame.LengthOnDisk;
    }

    private (string Fault, bool MayBeTorn) VerifyFrame(long offset, WalFrameHeader frame)
    {
        var bytes = Read(offset, frame.LengthOnDisk);
        if (bytes.Length < frame.LengthOnDisk)
            return ("the disk cannot read it", false);
        var fault = "";
        var at = WalFrameHeader.Bytes;
        var checksum = ~0u;
        for (var i = 0; i < frame.Records && fault.Length == 0; i++)
        {
            var size = SizeOfRecord(bytes, at, frame.Length);
            if (size == 0 || !WalEntryRecord.IsValid(bytes.Slice(at, size), _header.Nonce, offset + at))
                fault = $"record {i} of {frame.Records} fails verification";
            checksum = Crc32C.Continue(checksum, bytes.Slice(at, size == 0 ? 0 : sizeof(uint)));
            at += size;
        }

        if (fault.Length == 0 && (at != frame.Length || ~checksum != frame.RecordsChecksum))
            fault = "its records do not match its header";
        else if (fault.Length == 0 && bytes[at..].ContainsAnyExcept((byte)0))
            fault = "the padding after its records is not zero";
        var mayBeTorn = false;
        for (var sector = 0; sector < frame.LengthOnDisk && fault.Length > 0; sector += Sectors.Bytes)
            mayBeTorn |= Sectors.IsUnwritten(bytes.Slice(sector, Sectors.Bytes), _header.Nonce, offset + sector);
        return (fault, mayBeTorn);
    }

    // Shows the records of a frame as far as their lengths can be followed.
    private void WriteEntries(long offset, WalFrameHeader frame)
    {
        var bytes = Read(offset, frame.LengthOnDisk).ToArray();
        var at = WalFrameHeader.Bytes;
        for (var i = 0; i < frame.Records; i++)
        {
            var size = SizeOfRecord(bytes, at, frame.Length);
            if (size == 0)
                return;
            var record = bytes.AsMemory(at, size);
            if (WalEntryRecord.IsValid(record.Span, _header.Nonce, offset + at))
                WriteEntry(offset + at, WalEntryRecord.Decode(record));
            at += size;
        }
    }

    private static int SizeOfRecord(ReadOnlySpan<byte> frame, int at, int end) =>
        at <= end - WalEntryRecord.HeaderBytes && end <= frame.Length ? WalEntryRecord.DeclaredSize(frame[at..], end - at) : 0;

    private void WriteFrame(long offset, WalFrameHeader frame) => output.Write(
        "frame", 1,
        string.Create(
            CultureInfo.InvariantCulture,
            $"frame {frame.Sequence} at {offset}: {frame.Length} bytes, {frame.Records} entries from {frame.First}, " +
            $"log begins at {frame.Start}, commit mark {frame.Commit}{(frame.Reset ? ", resets the log" : "")}"),
        ("frame", frame.Sequence), ("offset", offset), ("bytes", frame.Length), ("entries", frame.Records), ("first", frame.First.Value),
        ("start", frame.Start.Value), ("commitMark", frame.Commit.Value), ("reset", frame.Reset), ("group", frame.Group.Value));

    private void WriteEntry(long offset, LogEntry entry)
    {
        var kind = entry.Kind switch
        {
            EntryKind.NoOp => "no-op",
            EntryKind.Command => "command",
            EntryKind.Configuration => "configuration",
            _ => "cluster version",
        };
        var command = decodeCommands && entry.Kind == EntryKind.Command ? Describe(entry.Payload) : "";
        output.Write(
            "entry", 2,
            string.Create(
                CultureInfo.InvariantCulture,
                $"entry {entry.Index} of term {entry.Term} at {offset}: {kind}, {entry.Payload.Length} bytes" +
                $"{(entry.Proposal == ProposalId.None ? "" : $", proposal {entry.Proposal}")}{(command.Length > 0 ? $": {command}" : "")}"),
            ("index", entry.Index.Value), ("term", entry.Term.Value), ("offset", offset), ("kind", kind), ("bytes", entry.Payload.Length),
            ("proposal", entry.Proposal), ("command", command));
    }

    private static string Describe(ReadOnlyMemory<byte> command) =>
        KvCommandCodec.TryDecode(command, out var request) ? CommandDescription.Of(request) : "not a command of the key-value store";

    private long EndOfUnknown(long offset)
    {
        do
            offset += Sectors.Bytes;
        while (offset < _file.Length && KindOf(offset) == SectorKind.Unknown);
        return Math.Min(offset, _file.Length);
    }

    private void Suspect(long offset, string what, bool mayBeTorn)
    {
        ConfirmSuspect();
        _suspect = (_file.Name, offset, what, mayBeTorn);
    }

    // Something follows, so it was not the end of the log.
    private void ConfirmSuspect()
    {
        if (_suspect is { } suspect)
            output.WriteCorruption(suspect.File, suspect.Offset, suspect.What);
        _suspect = null;
    }

    // Returns fewer bytes than requested at the end of the file, and none when the disk cannot read them.
    private ReadOnlySpan<byte> Read(long offset, int length)
    {
        if (_frame.Length < length)
            _frame = new byte[length];
        try
        {
            return _frame.AsSpan(0, _file.Read(offset, _frame.AsSpan(0, length)));
        }
        catch (IOException)
        {
            return [];
        }
    }
}
