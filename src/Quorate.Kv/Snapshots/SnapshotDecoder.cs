#pragma warning disable RS0030 // A Stream is where the state machine's interface reads a snapshot; the caller decides what is behind it.

using System.Buffers.Binary;
using Quorate.Kv.Leases;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Kv.Snapshots;

/// <summary>Decodes a state of the store in the format of <see cref="KvSnapshotFormat"/>. Mirrors <see cref="SnapshotEncoder"/>.</summary>
/// <remarks>
/// The versions, the keys and the leases are in the order of their trees, so each tree is built page after page. Each field is compared
/// with its bounds. Whether a link leads to a version of the same key is left to the checksum: a search for each link would take longer
/// than everything else. A summary is read with the same comparisons and builds no tree. Errors: those of <see cref="SnapshotReader"/>.
/// </remarks>
internal sealed class SnapshotDecoder
{
    private readonly SnapshotReader _reader;
    private readonly bool _isSummary;
    private readonly Attachments _attachments = new();
    private LogIndex _applied;
    private long _revision;
    private long _compactRevision;
    private LeaseClock _clock;
    private StateSums _sums;
    private long _versionBytes;
    private long _versions;
    private long _keys;
    private long _leases;

    private SnapshotDecoder(Stream source, bool isSummary) => (_reader, _isSummary) = (new SnapshotReader(source), isSummary);

    /// <summary>Reads the whole stream; returns the writer of the restored store and the last entry that it contains.</summary>
    public static (MvccWriter Writer, LogIndex Applied) Read(Stream source) => new SnapshotDecoder(source, isSummary: false).Read();

    /// <summary>Reads and verifies the whole stream in bounded memory, without restoring the store.</summary>
    public static KvSnapshotSummary ReadSummary(Stream source) => new SnapshotDecoder(source, isSummary: true).ReadSummary();

    private (MvccWriter Writer, LogIndex Applied) Read()
    {
        var sweptUpTo = ReadHeader();
        var history = ReadHistory()!;
        var keys = ReadKeys()!;
        var leases = ReadLeases()!;
        _reader.ExpectChecksumAndEnd();

        var attached = _attachments.Build(leases.Root) ?? throw _reader.Invalid("has a key with a lease that does not exist");
        var table = LeaseTable.Restore(leases, attached, _clock, _sums.LeaseChanges);
        return (MvccWriter.Restore(keys, history, table, _revision, _compactRevision, sweptUpTo, _versionBytes, _sums), _applied);
    }

    private KvSnapshotSummary ReadSummary()
    {
        ReadHeader();
        ReadHistory();
        ReadKeys();
        ReadLeases();
        return new KvSnapshotSummary
        {
            Checksum = _reader.ExpectChecksumAndEnd(),
            AppliedIndex = _applied,
            Revision = _revision,
            CompactRevision = _compactRevision,
            VersionCount = _versions,
            KeyCount = _keys,
            LeaseCount = _leases,
        };
    }

    /// <summary>Reads what every snapshot begins with.</summary>
    public static void ExpectStart(SnapshotReader reader)
    {
        if (!reader.Bytes(KvSnapshotFormat.Magic.Length).SequenceEqual(KvSnapshotFormat.Magic))
            throw reader.Invalid("does not begin as one of a key-value store");
        var format = reader.Number();
        if (format != KvSnapshotFormat.Format)
            throw reader.Invalid($"has format {format}, and this build reads format {KvSnapshotFormat.Format}");
    }

    /// <summary>Reads the header; returns the last version that the compaction has swept.</summary>
    private Revision ReadHeader()
    {
        ExpectStart(_reader);
        _applied = new LogIndex(_reader.Number());
        _revision = _reader.Number(1, long.MaxValue - 1, "the revision");
        _compactRevision = _reader.Number(0, _revision + 1, "the compact revision + 1") - 1;
        var sweptUpTo = ReadSweptUpTo();
        _clock = ReadClock();
        _sums = ReadSums();
        return sweptUpTo;
    }

    private StateSums ReadSums()
    {
        var bytes = _reader.Bytes(StateSums.Bytes);
        return new StateSums(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
    }

    private Revision ReadSweptUpTo()
    {
        var end = MvccWriter.EndOf(long.Max(_compactRevision, 0));
        return new Revision(
            _reader.Number(0, end.Main, "the swept revision"), (int)_reader.Number(0, end.Sub + 1L, "the swept sub revision + 1") - 1);
    }

    private LeaseClock ReadClock()
    {
        var milliseconds = _reader.Number(0, long.MaxValue, "the lease clock");
        var last = new LogIndex(_reader.Number());
        var previous = new LogIndex(_reader.Number());
        return last <= _applied && previous <= last
            ? new LeaseClock(milliseconds, last, previous)
            : throw _reader.Invalid($"has advances of the lease clock at {previous} and {last}, and the last applied entry is {_applied}");
    }

    private PageTree? ReadHistory()
    {
        var builder = _isSummary ? null : PageTreeBuilder.ForAppends(MvccWriter.HistoryPageBytes);
        Span<byte> header = stackalloc byte[VersionRecord.HeaderBytesMax];
        Span<byte> treeKey = stackalloc byte[Revision.KeyBytes];
        var before = new Revision(0, -1);
        ulong sum = 0;
        while (true)
        {
            var step = _reader.Number(0, _revision - before.Main + 1, "the distance of revisions + 1");
            if (step == 0)
            {
                return sum == _sums.History
                    ? builder?.Build()
                    : throw _reader.Invalid("has other versions than those whose hashes it records: it was taken of a changed memory");
            }

            var revision = new Revision(before.Main + step - 1, ReadSub());
            if (revision.Main == before.Main && revision.Sub <= before.Sub)
                throw _reader.Invalid("has versions out of order");
            before = revision;

            var (version, created, lease) = ReadFields(revision);
            var previous = ReadLink(revision);
            var skipLink = ReadLink(revision);
            var keyLength = (int)_reader.Number(0, KvSnapshotFormat.EntryBytesMax, "the length of a key");
            var valueLength = version == 0
                ? 0
                : (int)_reader.Number(0, KvSnapshotFormat.EntryBytesMax - keyLength, "the length of a value");
            var record = new KeyIndexEntry(revision, created, version, lease, 0, skipLink);
            var bytes = _reader.Bytes(keyLength + valueLength);
            builder?.Append(new NewTreeEntry(
                revision.ToKey(treeKey), isCounted: true, VersionRecord.WriteHeader(header, record, previous, keyLength), bytes));
            sum += RecordHash.OfVersion(revision, created, version, lease, bytes[..keyLength], bytes[keyLength..]);
            _versionBytes += bytes.Length + VersionRecord.OverheadBytes;
            _versions++;
        }
    }

    private PageTree? ReadKeys()
    {
        var builder = _isSummary ? null : PageTreeBuilder.ForRandomChanges(MvccWriter.KeyPageBytes);
        Span<byte> value = stackalloc byte[KeyIndexEntry.BytesMax];
        var (keyBytes, keyBytesBefore) = (new byte[256], new byte[256]);
        ReadOnlySpan<byte> keyBefore = default;
        for (var isFirst = true; ; isFirst = false)
        {
            var length = (int)_reader.Number(0, KvSnapshotFormat.EntryBytesMax + 1L, "the length of a key + 1") - 1;
            if (length < 0)
                return builder?.Build();

            // Copied, because the fields behind the key are read before it is used.
            var read = _reader.Bytes(length);
            if (keyBytes.Length < length)
                keyBytes = new byte[length];
            read.CopyTo(keyBytes);
            ReadOnlySpan<byte> key = keyBytes.AsSpan(0, length);
            if (!isFirst && key.SequenceCompareTo(keyBefore) <= 0)
                throw _reader.Invalid("has keys out of order");

            var mod = new Revision(_reader.Number(1, _revision, "the revision of a key"), ReadSub());
            var (version, created, lease) = ReadFields(mod);
            var ordinal = _reader.Number(1, long.MaxValue - 1, "the ordinal of a version");
            var record = new KeyIndexEntry(mod, created, version, lease, ordinal, ReadLink(mod));
            builder?.Append(new NewTreeEntry(key, isCounted: !record.IsDeletion, record.Write(value)));
            _keys += record.IsDeletion ? 0 : 1;
            if (lease != 0 && !_isSummary)
                _attachments.Add(lease, key);
            keyBefore = key;
            (keyBytes, keyBytesBefore) = (keyBytesBefore, keyBytes);
        }
    }

    private PageTree? ReadLeases()
    {
        var builder = _isSummary ? null : PageTreeBuilder.ForRandomChanges(LeaseTable.PageBytes);
        Span<byte> key = stackalloc byte[LeaseView.IdBytes];
        Span<byte> value = stackalloc byte[LeaseView.ValueBytesMax];
        long before = 0;
        while (true)
        {
            var id = _reader.Signed();
            if (id == 0)
                return builder?.Build();
            if ((ulong)id <= (ulong)before)
                throw _reader.Invalid("has leases out of order");
            before = id;

            var ttl = _reader.Number(1, Lease.MaxTtlSeconds, "the time to live of a lease");
            var renewedAt = new LogIndex(_reader.Number());
            var anchor = _reader.Number();
            if (renewedAt == LogIndex.Zero || renewedAt > _applied || anchor > (ulong)_clock.Milliseconds + 1
                || anchor != 0 != (renewedAt <= _clock.PreviousAdvance))
            {
                throw _reader.Invalid($"has lease {id} renewed at {renewedAt}, with a clock anchor that contradicts the lease clock");
            }

            _leases++;
            var lease = new Lease(id, ttl, renewedAt) { ClockAnchor = anchor == 0 ? null : (long)(anchor - 1) };
            builder?.Append(new NewTreeEntry(LeaseView.ToKey(id, key), isCounted: true, LeaseView.Write(lease, value)));
        }
    }

    private int ReadSub() => (int)_reader.Number(0, int.MaxValue - 1, "a sub revision");

    /// <summary>Reads the version, the create revision and the lease of a version; a deletion has zeroes.</summary>
    private (long Version, long Created, long Lease) ReadFields(Revision at)
    {
        var version = _reader.Number(0, long.MaxValue - 1, "a version");
        if (version == 0)
            return default;
        var created = at.Main - _reader.Number(0, at.Main - 1, "the revisions since the creation of a key");
        return (version, created, _reader.Signed());
    }

    /// <summary>Reads a link to a version before <paramref name="from"/>.</summary>
    private Revision ReadLink(Revision from)
    {
        var back = _reader.Number(0, from.Main, "the distance of a link + 1");
        if (back == 0)
            return default;
        var to = new Revision(from.Main - back + 1, ReadSub());
        return to.Main < from.Main || to.Sub < from.Sub ? to : throw _reader.Invalid("has a link that does not lead back");
    }
}
