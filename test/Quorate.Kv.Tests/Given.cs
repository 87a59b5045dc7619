using System.Buffers;
using System.Globalization;
using System.Text;
using Quorate.Raft;

namespace Quorate.Kv.Tests;

/// <summary>Builds requests in one line, and formats responses as one line.</summary>
internal static class Given
{
    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    /// <summary>Builds an interval from a client's key and range_end.</summary>
    public static KeyInterval Keys(string key, string end = "") => KeyInterval.FromWire(Bytes(key), Bytes(end));

    public static KeyInterval Prefix(string prefix) => KeyInterval.Prefix(Bytes(prefix));

    public static PutRequest Put(string key, string value = "") => new(Bytes(key), Bytes(value));

    public static DeleteRangeRequest Delete(string key, string end = "") => new(Keys(key, end));

    public static RangeRequest Range(string key, string end = "") => new(Keys(key, end));

    public static TxnRequest Txn(KeyCompare[]? when = null, KvOperation[]? then = null, KvOperation[]? otherwise = null) =>
        new(when ?? [], then ?? [], otherwise ?? []);

    public static KeyCompare Compare(CompareTarget target, string key, CompareResult result, long number) =>
        new(Keys(key), target, result) { Number = number };

    public static KeyCompare CompareValue(string key, CompareResult result, string value) =>
        new(Keys(key), CompareTarget.Value, result) { Value = Bytes(value) };

    /// <summary>Formats a result as one line with everything that a client can see.</summary>
    public static string Format(KvResult result) =>
        string.Create(
            CultureInfo.InvariantCulture, $"@{result.Revision} {(result.Error is null ? Format(result.Response!) : result.Error.Message)}");

    public static string Format(KeyValue kv) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Text(kv.Key)}={Text(kv.Value)}(c{kv.CreateRevision} m{kv.ModRevision} v{kv.Version} l{kv.Lease})");

    public static string Format(KvEvent changed) =>
        $"{(changed.IsDeletion ? "delete" : "put")} {Format(changed.Kv)} before {(changed.PrevKv is { } kv ? Format(kv) : "none")}";

    /// <summary>Formats the leases of a store, each with its keys.</summary>
    public static string Leases(KvSnapshot snapshot) => string.Join('\n', snapshot.Leases().Select(l =>
        $"{l} {string.Join(' ', snapshot.LeaseKeys(l.Id).Select(Text))}"));

    /// <summary>Reads and formats all events from a revision on, in as many batches as necessary.</summary>
    public static string Events(KvSnapshot snapshot, WatchEventRequest request, long from)
    {
        var events = new List<string>();
        do
        {
            if (snapshot.Events(request, from, out var batch) is { } error)
                return error.Message;
            Assert.True(batch.Next > from || batch.Events.Count == 0, "each batch advances the next revision");
            Assert.DoesNotContain(batch.Events, e => e.Kv.ModRevision < from || e.Kv.ModRevision >= batch.Next);
            events.AddRange(batch.Events.Select(Format));
            from = batch.Next;
        }
        while (from <= snapshot.Revision);
        return string.Join('\n', events);
    }

    private static string Format(KvResponse response) => response switch
    {
        RangeResponse r => $"range r{r.Revision} [{string.Join(' ', r.Kvs.Select(Format))}] more {r.More} count {r.Count}",
        PutResponse p => $"put r{p.Revision} prev {(p.PrevKv is { } kv ? Format(kv) : "none")}",
        DeleteRangeResponse d => $"delete r{d.Revision} {d.Deleted} [{string.Join(' ', d.PrevKvs.Select(Format))}]",
        TxnResponse t => $"txn r{t.Revision} {t.Succeeded} {{{string.Join("; ", t.Responses.Select(Format))}}}",
        CompactResponse c => $"compact r{c.Revision}",
        LeaseGrantResponse g => $"grant r{g.Revision} {g.Lease}",
        LeaseRenewResponse n => $"renew r{n.Revision} {n.Lease}",
        LeaseRevokeResponse v => $"revoke r{v.Revision} {v.Id}",
        LeaseExpireResponse e => $"expire r{e.Revision} {e.Id} {e.Expired}",
        LeaseRenewManyResponse m => $"renew r{m.Revision} [{string.Join(' ', m.Leases)}]",
        LeaseClockAdvanceResponse a =>
            $"advance r{a.Revision} {a.IsAccepted} {a.Clock} [{string.Join(' ', a.Anchored.OrderBy(l => l.Id))}]",
        _ => throw new InvalidOperationException(response.GetType().Name),
    };
}

/// <summary>A store that receives every request as an encoded command with a log index, as in production.</summary>
/// <param name="sweep">
/// The number of versions that each command sweeps; 0 for the numbers of production, which are more than most tests leave to sweep.
/// </param>
internal sealed class StoreUnderTest(int sweep = 0)
{
    private ulong _index;

    public KvStore Store { get; } =
        sweep == 0 ? new() : new() { VersionsSweptPerCompaction = sweep, VersionsSweptPerCommand = sweep };

    public KvSnapshot Current => Store.Current;

    public long Revision => Current.Revision;

    /// <summary>Applies a batch of one request.</summary>
    public KvResult Apply(KvRequest request)
    {
        var result = ApplyInBatch(request);
        EndBatch();
        return result;
    }

    public KvResult ApplyInBatch(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommandCodec.Encode(request, bytes);
        return ApplyBytesInBatch(bytes.WrittenMemory);
    }

    /// <summary>Applies a batch of one entry, whatever its bytes.</summary>
    public KvResult ApplyBytes(ReadOnlyMemory<byte> command)
    {
        var result = ApplyBytesInBatch(command);
        EndBatch();
        return result;
    }

    public KvResult ApplyBytesInBatch(ReadOnlyMemory<byte> command) =>
        Store.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++_index)), command));

    public void EndBatch() => Store.BatchApplied(new LogIndex(_index));

    /// <summary>Captures a snapshot and returns its bytes.</summary>
    public byte[] Snapshot()
    {
        using var snapshot = Store.CaptureSnapshot();
        var bytes = new MemoryStream();
        snapshot.WriteTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>Replaces the state by that of a snapshot, as a node does: the next request has the index after it.</summary>
    public void Restore(Stream snapshot, ulong last)
    {
        Store.RestoreSnapshot(new EntryId(new Term(1), new LogIndex(last)), snapshot);
        _index = last;
        EndBatch();
    }

    public string ApplyAndFormat(KvRequest request) => Given.Format(Apply(request));

    public RangeResponse Read(RangeRequest request) => Assert.IsType<RangeResponse>(Current.Range(request).Response);

    /// <summary>Returns the keys of a range response, as text.</summary>
    public string Keys(RangeRequest request) => string.Join(' ', Read(request).Kvs.Select(kv => Given.Text(kv.Key)));
}
