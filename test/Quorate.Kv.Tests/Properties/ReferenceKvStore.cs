using Quorate.Raft;

namespace Quorate.Kv.Tests.Properties;

/// <summary>A slow, obvious reference store: keeps a list of all changes and scans it from the beginning for every request.</summary>
internal sealed class ReferenceKvStore
{
    private sealed record Change(long Revision, string Key, KeyValue? Kv);

    private readonly List<Change> _changes = [];
    private long _revision = 1;
    private long _compacted = -1;
    private readonly SortedDictionary<long, Lease> _leases = [];
    private readonly List<(ulong Index, long Milliseconds, long SinceApplied)> _advances = [];
    private ulong _index;

    public KvResult Apply(KvRequest request)
    {
        var before = _revision;
        _index++;
        var (response, error) = request switch
        {
            CompactRequest c => Compact(c),
            LeaseRequest l => Lease(l),
            LeaseRenewManyRequest r => (new LeaseRenewManyResponse(_revision, [.. r.Ids.Select(Renew)]), null),
            LeaseClockAdvanceRequest a => (Advance(a), null),
            TxnRequest t => Txn(t),
            PutRequest p => Put(p),
            KvOperation o => (Run(o, before), null),
            _ => throw new InvalidOperationException(),
        };
        _revision = _changes.Count == 0 ? 1 : long.Max(_revision, _changes[^1].Revision);
        return new KvResult(response, error, _revision);
    }

    public KvResult Range(RangeRequest r) =>
        CheckRevision(r.Revision) is { } error ? new KvResult(null, error, _revision) : new KvResult(Read(r, _revision), null, _revision);

    /// <summary>Formats the leases, each with its keys.</summary>
    public string Leases() => string.Join('\n', _leases.Values.Select(l =>
        $"{l} {string.Join(' ', At(long.MaxValue).Where(kv => kv.Lease == l.Id).Select(kv => Given.Text(kv.Key)))}"));

    /// <summary>Formats the events from a revision on.</summary>
    public string Events(WatchEventRequest wanted, long from)
    {
        if (from < _compacted)
            return KvError.Compacted.Message;
        var events = new List<string>();
        for (var i = 0; i < _changes.Count; i++)
        {
            var (revision, key, kv) = _changes[i];
            if (revision < from || !wanted.Keys.Contains(Given.Bytes(key)) || (kv is null ? wanted.WithoutDeletions : wanted.WithoutPuts))
                continue;
            var before = revision - 1 < _compacted
                ? null
                : At(revision - 1).Where(o => Given.Text(o.Key) == key).Select(o => (KeyValue?)o).SingleOrDefault();
            events.Add(Given.Format(
                new KvEvent(kv ?? new KeyValue(Given.Bytes(key), default, 0, revision, 0, 0), wanted.PrevKv ? before : null)));
        }

        return string.Join('\n', events);
    }

    /// <summary>Formats every version that can be read between the compact revision and a revision.</summary>
    public string ReadableVersions(long upTo) => string.Join('\n', _changes
        .Where((c, i) => c.Revision <= upTo && (c.Revision >= _compacted
            || (c.Kv is not null && !_changes.Skip(i + 1).Any(l => l.Key == c.Key && l.Revision <= _compacted))))
        .Select(c => $"{c.Revision} {c.Key} {(c.Kv is { } kv ? Given.Format(kv) : "gone")}"));

    private (KvResponse?, KvError?) Compact(CompactRequest c)
    {
        if (c.Revision <= _compacted)
            return (null, KvError.Compacted);
        if (c.Revision > _revision)
            return (null, KvError.FutureRevision);
        _compacted = c.Revision;
        return (new CompactResponse(_revision), null);
    }

    private (KvResponse?, KvError?) Lease(LeaseRequest request)
    {
        var lease = _leases.TryGetValue(request.Id, out var found) ? found : (Lease?)null;
        switch (request)
        {
            case LeaseGrantRequest grant:
                if (lease is not null)
                    return (null, KvError.LeaseExists);
                return (
                    new LeaseGrantResponse(_revision, _leases[grant.Id] = new Lease(grant.Id, grant.TtlSeconds, new LogIndex(_index))),
                    null);
            case LeaseExpireRequest expire:
                var isExpired = lease?.RenewedAt == expire.RenewedAt;
                return (new LeaseExpireResponse(isExpired ? EndLease(expire.Id) : _revision, expire.Id, isExpired), null);
            case var _ when lease is null:
                return (null, KvError.LeaseNotFound);
            case LeaseRevokeRequest:
                return (new LeaseRevokeResponse(EndLease(request.Id), request.Id), null);
            default:
                return (new LeaseRenewResponse(_revision, Renew(request.Id)), null);
        }
    }

    private Lease Renew(long id) => _leases.TryGetValue(id, out var lease)
        ? _leases[id] = new Lease(id, lease.TtlSeconds, new LogIndex(_index))
        : new Lease(id, 0, default);

    /// <summary>
    /// The anchor of a lease is the clock after the second advance behind its renewal, less the time since the first one was applied.
    /// </summary>
    private LeaseClockAdvanceResponse Advance(LeaseClockAdvanceRequest advance)
    {
        var isAccepted = (_advances.Count == 0 ? 0 : _advances[^1].Index) == advance.Base.Value;
        var anchored = new List<Lease>();
        if (isAccepted)
            _advances.Add((_index, advance.Milliseconds, advance.SinceApplied));
        foreach (var lease in _leases.Values.ToList())
        {
            var behind = _advances.FindIndex(a => a.Index > lease.RenewedAt.Value);
            if (!isAccepted || behind < 0 || behind != _advances.Count - 2)
                continue;
            _leases[lease.Id] = lease with { ClockAnchor = _advances.Sum(static a => a.Milliseconds) - advance.SinceApplied };
            anchored.Add(_leases[lease.Id]);
        }

        var (last, previous) = (_advances.Count > 0 ? _advances[^1].Index : 0, _advances.Count > 1 ? _advances[^2].Index : 0);
        return new LeaseClockAdvanceResponse(
            _revision, new LeaseClock(_advances.Sum(static a => a.Milliseconds), new LogIndex(last), new LogIndex(previous)), isAccepted,
            anchored);
    }

    private long EndLease(long id)
    {
        var before = _revision;
        foreach (var kv in At(long.MaxValue).Where(kv => kv.Lease == id).ToList())
            _changes.Add(new Change(before + 1, Given.Text(kv.Key), null));
        _leases.Remove(id);
        return Newest(before);
    }

    private (KvResponse?, KvError?) Put(PutRequest p)
    {
        if (p.Lease != 0 && !_leases.ContainsKey(p.Lease))
            return (null, KvError.LeaseNotFound);
        if ((p.IgnoreValue || p.IgnoreLease) && At(_revision).All(kv => Given.Text(kv.Key) != Given.Text(p.Key)))
            return (null, KvError.KeyNotFound);
        return (Run(p, _revision), null);
    }

    private (KvResponse?, KvError?) Txn(TxnRequest txn)
    {
        if (RequestValidator.Validate(txn, KvLimits.Default) is { } invalid)
            return (null, invalid);

        // All branches are resolved before any operation runs.
        var taken = new Dictionary<TxnRequest, bool>(ReferenceEqualityComparer.Instance);
        ResolveBranches(txn, taken);
        var all = Flatten(txn, taken).ToList();
        foreach (var put in all.OfType<PutRequest>())
        {
            if ((put.IgnoreValue || put.IgnoreLease) && At(_revision).All(kv => Given.Text(kv.Key) != Given.Text(put.Key)))
                return (null, KvError.KeyNotFound);
            if (put.Lease != 0 && !_leases.ContainsKey(put.Lease))
                return (null, KvError.LeaseNotFound);
        }

        foreach (var range in all.OfType<RangeRequest>())
        {
            if (CheckRevision(range.Revision) is { } error)
                return (null, error);
        }

        var before = _revision;
        var response = RunTxn(txn, taken, before);
        return (response with { Revision = Newest(before) }, null);
    }

    private void ResolveBranches(TxnRequest txn, Dictionary<TxnRequest, bool> taken)
    {
        taken[txn] = txn.Compare.All(Holds);
        foreach (var nested in (taken[txn] ? txn.Success : txn.Failure).OfType<TxnRequest>())
            ResolveBranches(nested, taken);
    }

    private static IEnumerable<KvOperation> Flatten(TxnRequest txn, Dictionary<TxnRequest, bool> taken) =>
        (taken[txn] ? txn.Success : txn.Failure).SelectMany(o => o is TxnRequest nested ? Flatten(nested, taken) : [o]);

    private TxnResponse RunTxn(TxnRequest txn, Dictionary<TxnRequest, bool> taken, long before) => new(
        0,
        taken[txn],
        [.. (taken[txn] ? txn.Success : txn.Failure).Select(o => o is TxnRequest t ? RunTxn(t, taken, before) : Run(o, before))]);

    private bool Holds(KeyCompare c)
    {
        var found = At(_revision).Where(kv => c.Keys.Contains(kv.Key.Span)).ToList();
        if (found.Count == 0)
            return c.Target != CompareTarget.Value && Holds(c, default);
        return found.TrueForAll(kv => Holds(c, kv));
    }

    private static bool Holds(KeyCompare c, KeyValue kv)
    {
        var order = c.Target switch
        {
            CompareTarget.Version => kv.Version.CompareTo(c.Number),
            CompareTarget.Create => kv.CreateRevision.CompareTo(c.Number),
            CompareTarget.Mod => kv.ModRevision.CompareTo(c.Number),
            CompareTarget.Lease => kv.Lease.CompareTo(c.Number),
            _ => string.CompareOrdinal(Given.Text(kv.Value), Given.Text(c.Value)),
        };
        return c.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.Greater => order > 0,
            CompareResult.Less => order < 0,
            _ => order != 0,
        };
    }

    private long Newest(long before) => _changes.Count > 0 && _changes[^1].Revision > before ? before + 1 : before;

    private KvResponse Run(KvOperation operation, long before)
    {
        switch (operation)
        {
            case RangeRequest range:
                return Read(range, Newest(before));
            case PutRequest put:
                var key = Given.Text(put.Key);
                KeyValue? old = At(long.MaxValue).Where(kv => Given.Text(kv.Key) == key).Select(kv => (KeyValue?)kv).SingleOrDefault();
                var value = put.IgnoreValue ? old!.Value.Value : put.Value;
                _changes.Add(new Change(before + 1, key, new KeyValue(
                    put.Key.ToArray(), value.ToArray(), old?.CreateRevision ?? before + 1, before + 1, (old?.Version ?? 0) + 1,
                    put.IgnoreLease ? old!.Value.Lease : put.Lease)));
                return new PutResponse(before + 1, put.PrevKv ? old : null);
            case DeleteRangeRequest delete:
                var deleted = At(long.MaxValue).Where(kv => delete.Keys.Contains(kv.Key.Span)).ToList();
                _changes.AddRange(deleted.Select(kv => new Change(before + 1, Given.Text(kv.Key), null)));
                return new DeleteRangeResponse(Newest(before), deleted.Count, delete.PrevKv ? deleted : []);
            default:
                throw new InvalidOperationException();
        }
    }

    private KvError? CheckRevision(long revision) =>
        revision > _revision ? KvError.FutureRevision : revision > 0 && revision < _compacted ? KvError.Compacted : null;

    private RangeResponse Read(RangeRequest r, long newest)
    {
        var found = At(r.Revision <= 0 ? newest : r.Revision).Where(kv => r.Keys.Contains(kv.Key.Span)).ToList();
        if (r.CountOnly)
            return new RangeResponse(newest, [], false, found.Count);
        IEnumerable<KeyValue> kvs = found
            .Where(kv => r.MinModRevision == 0 || kv.ModRevision >= r.MinModRevision)
            .Where(kv => r.MaxModRevision == 0 || kv.ModRevision <= r.MaxModRevision)
            .Where(kv => r.MinCreateRevision == 0 || kv.CreateRevision >= r.MinCreateRevision)
            .Where(kv => r.MaxCreateRevision == 0 || kv.CreateRevision <= r.MaxCreateRevision);
        var filtered = (r.MinModRevision | r.MaxModRevision | r.MinCreateRevision | r.MaxCreateRevision) != 0;
        if (r.SortOrder == SortOrder.None && !filtered && r.Limit > 0)
            kvs = kvs.Take((int)r.Limit + 1);
        Func<KeyValue, (long, string)> by = r.SortTarget switch
        {
            SortTarget.Version => kv => (kv.Version, ""),
            SortTarget.Create => kv => (kv.CreateRevision, ""),
            SortTarget.Mod => kv => (kv.ModRevision, ""),
            SortTarget.Value => kv => (0, Given.Text(kv.Value)),
            _ => kv => (0, Given.Text(kv.Key)),
        };
        var order = Comparer<(long, string)>.Create((a, b) =>
            a.Item1 != b.Item1 ? a.Item1.CompareTo(b.Item1) : string.CompareOrdinal(a.Item2, b.Item2));
        var sorted = (r.SortOrder == SortOrder.Descend ? kvs.OrderByDescending(by, order) : kvs.OrderBy(by, order)).ToList();
        var more = r.Limit > 0 && sorted.Count > r.Limit;
        return new RangeResponse(
            newest,
            [.. (more ? sorted.Take((int)r.Limit) : sorted).Select(kv => r.KeysOnly ? kv with { Value = default } : kv)],
            more,
            found.Count);
    }

    /// <summary>Returns the keys as they were at a revision, in order.</summary>
    private SortedDictionary<string, KeyValue>.ValueCollection At(long revision)
    {
        var keys = new SortedDictionary<string, KeyValue>(StringComparer.Ordinal);
        foreach (var change in _changes.Where(c => c.Revision <= revision))
        {
            if (change.Kv is { } kv)
                keys[change.Key] = kv;
            else
                keys.Remove(change.Key);
        }

        return keys.Values;
    }
}
