namespace Quorate.Kv.Mvcc;

/// <summary>Executes a <see cref="RangeRequest"/> on a view.</summary>
/// <remarks>
/// The order is etcd's: find, filter, sort, limit. Only the necessary keys are read: without sort and filter at most one more than the
/// limit. When etcd sorts by another target than the key and no direction is given, it sorts only the keys it has read; so does this class.
/// Source: etcd v3 API, RangeRequest.
/// </remarks>
internal static class RangeReader
{
    public static KvError? Read(
        in MvccView view, RangeRequest request, IReadCancellation? cancellation, out RangeResponse response)
    {
        response = null!;
        if (view.CheckRevision(request.Revision) is { } error)
            return error;

        var revision = request.Revision <= 0 ? view.Revision : request.Revision;
        var isNewest = revision == view.Revision;
        if (request.CountOnly)
        {
            var all = isNewest ? view.Count(request.Keys) : CountAt(view, request.Keys, revision, cancellation);
            response = new RangeResponse(view.Revision, [], More: false, all);
            return null;
        }

        var needsAll = request.SortOrder != SortOrder.None || HasFilter(request);
        var entriesMax = needsAll || request.Limit <= 0 || request.Limit == long.MaxValue ? long.MaxValue : request.Limit + 1;
        var found = Collect(view, request, revision, entriesMax, cancellation, out var visited, out var reachedEnd);
        var count = reachedEnd ? visited : isNewest ? view.Count(request.Keys) : CountAt(view, request.Keys, revision, cancellation);

        Sort(found, request);
        var more = request.Limit > 0 && found.Count > request.Limit;
        if (more)
            found.RemoveRange((int)request.Limit, found.Count - (int)request.Limit);
        if (request.KeysOnly)
        {
            for (var i = 0; i < found.Count; i++)
                found[i] = found[i] with { Value = default };
        }

        response = new RangeResponse(view.Revision, found, more, count);
        return null;
    }

    private static List<KeyValue> Collect(
        in MvccView view, RangeRequest request, long revision, long entriesMax, IReadCancellation? cancellation, out long visited,
        out bool reachedEnd)
    {
        var found = new List<KeyValue>(request.Keys.Kind == KeyIntervalKind.Single ? 1 : (int)long.Min(entriesMax, 16));
        var enumerator = new KeyRangeEnumerator(view, request.Keys, revision, cancellation);
        visited = 0;
        reachedEnd = false;
        while (found.Count < entriesMax)
        {
            if (!enumerator.MoveNext())
            {
                reachedEnd = true;
                break;
            }

            visited++;
            if (MatchesFilters(request, enumerator.Current))
                found.Add(enumerator.Current);
        }

        return found;
    }

    private static long CountAt(in MvccView view, KeyInterval keys, long revision, IReadCancellation? cancellation)
    {
        long count = 0;
        var enumerator = new KeyRangeEnumerator(view, keys, revision, cancellation);
        while (enumerator.MoveNext())
            count++;
        return count;
    }

    private static bool HasFilter(RangeRequest request) =>
        (request.MinModRevision | request.MaxModRevision | request.MinCreateRevision | request.MaxCreateRevision) != 0;

    private static bool MatchesFilters(RangeRequest request, in KeyValue kv) =>
        (request.MinModRevision == 0 || kv.ModRevision >= request.MinModRevision)
        && (request.MaxModRevision == 0 || kv.ModRevision <= request.MaxModRevision)
        && (request.MinCreateRevision == 0 || kv.CreateRevision >= request.MinCreateRevision)
        && (request.MaxCreateRevision == 0 || kv.CreateRevision <= request.MaxCreateRevision);

    /// <summary>
    /// Sorts the keys, which are in ascending order before. Ties are sorted by key, so that the result is the same on every member.
    /// </summary>
    private static void Sort(List<KeyValue> found, RangeRequest request)
    {
        var descending = request.SortOrder == SortOrder.Descend;
        if (request.SortTarget == SortTarget.Key)
        {
            if (descending)
                found.Reverse();
            return;
        }

        var target = request.SortTarget;
        found.Sort((a, b) =>
        {
            var order = Compare(target, a, b);
            if (order == 0)
                return a.Key.Span.SequenceCompareTo(b.Key.Span);
            return descending ? -order : order;
        });
    }

    private static int Compare(SortTarget target, in KeyValue a, in KeyValue b) => target switch
    {
        SortTarget.Version => a.Version.CompareTo(b.Version),
        SortTarget.Create => a.CreateRevision.CompareTo(b.CreateRevision),
        SortTarget.Mod => a.ModRevision.CompareTo(b.ModRevision),
        SortTarget.Value => int.Sign(a.Value.Span.SequenceCompareTo(b.Value.Span)),
        _ => throw new InvalidOperationException($"unknown sort target {target}"),
    };
}
