using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Simulation.Store;

/// <summary>
/// The sequential specification of the store and the list, as short as possible; written from etcd's documentation, not from our store.
/// </summary>
/// <remarks>
/// Every write creates a revision. A key has the revisions of its creation and of its last change, and the number of changes since its
/// creation. The delete of an absent key changes nothing. The end of a lease deletes the keys that were put with it, all in one revision.
/// Compacted revisions cannot be read. Source: etcd v3 API, KV and Lease.
/// </remarks>
/// <param name="isPartial">Whether this is the model of a part of the store, whose history has no operations of the other keys.</param>
internal sealed class StoreModel(bool isPartial = false) : SequentialModel<StoreState, StoreRequest, StoreResponse>
{
    /// <summary>The empty store. Its revision is 1; the revision of the whole store is unknown in a part of it.</summary>
    public override StoreState Initial { get; } = new(isPartial ? 0 : 1, [], AppendOnlyList.Empty);

    /// <summary>A response that matches no response of the store.</summary>
    private static StoreResponse Impossible { get; } = new(0, []) { ListLength = -1 };

    public override ReadOnlySpan<string> KeysOf(StoreRequest request) => request.TouchedNames;

    public override StoreResponse Step(StoreState state, StoreRequest request, out StoreState next)
    {
        var response = Execute(state, request, out next);
        if (!isPartial && next.Revision != state.Revision)
            next = next with { Previous = state };
        return response;
    }

    private StoreResponse Execute(StoreState state, StoreRequest request, out StoreState next)
    {
        next = state;
        if (isPartial && request.AssignedRevision > 0 && request.AssignedRevision <= state.Revision && CreatesRevision(state, request))
            return Impossible;
        var at = request.AssignedRevision != 0 ? request.AssignedRevision : state.Revision + 1;
        switch (request.Kind)
        {
            case StoreRequestKind.Get:
                return new StoreResponse(state.Revision, state.Find(request.Keys[0]));
            case StoreRequestKind.GetAll:
                return new StoreResponse(state.Revision, state.Keys);
            case StoreRequestKind.GetPast or StoreRequestKind.GetChanges or StoreRequestKind.Compact
                when request.PastRevision < state.CompactRevision:
            case StoreRequestKind.Compact when request.PastRevision == state.CompactRevision:
                return Error(state, StoreError.Compacted);
            case StoreRequestKind.GetPast:
                return new StoreResponse(state.Revision, state.At(request.PastRevision).Find(request.Keys[0]));
            case StoreRequestKind.GetChanges:
                var changes = state.ChangesSince(request.PastRevision);
                return new StoreResponse(state.Revision, changes)
                {
                    Previous = request.WantsPrevious ? [.. changes.Select(state.VersionBefore)] : [],
                };
            case StoreRequestKind.Compact:
                next = state with { CompactRevision = request.PastRevision };
                return new StoreResponse(state.Revision, []) { Succeeded = true };
            case StoreRequestKind.Grant or StoreRequestKind.Renew or StoreRequestKind.Revoke or StoreRequestKind.Expire
                or StoreRequestKind.GetLease:
                return ExecuteLease(state, request, at, out next);
            case StoreRequestKind.RenewMany:
                return RenewMany(state, request, out next);
            case StoreRequestKind.Put when request.Lease != 0 && state.FindLease(request.Lease) is null:
                return Error(state, StoreError.NoSuchLease);
            case StoreRequestKind.Put:
                next = state.Put(request, at);
                return new StoreResponse(next.Revision, request.WantsPrevious ? state.Find(request.Keys[0]) : []);
            case StoreRequestKind.PutBoth:
                next = state.Put(request, at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
            case StoreRequestKind.Delete when state.Find(request.Keys[0]).Length == 0:
                return new StoreResponse(state.Revision, []);
            case StoreRequestKind.Delete:
                next = state.WithoutKey(request.Keys[0], at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
            case StoreRequestKind.Swap when !CanSwap(state.Find(request.Keys[0]), request.ExpectedRevision):
                return new StoreResponse(state.Revision, state.Find(request.Keys[0]));
            case StoreRequestKind.Swap:
                next = state.Put(request, at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
            case StoreRequestKind.Append:
                if (request.AssignedRevision > 0
                    ? request.AssignedRevision == state.List.Length + 1
                    : state.List.Length >= -request.AssignedRevision)
                {
                    next = state with { List = state.List.Append(request.Value) };
                }

                return new StoreResponse(0, []) { ListLength = next.List.Length };
            default:
                return new StoreResponse(0, []) { List = state.List };
        }
    }

    private static StoreResponse ExecuteLease(StoreState state, StoreRequest request, long at, out StoreState next)
    {
        next = state;
        var lease = state.FindLease(request.Lease);
        var renewed = new LeaseState(request.Lease, lease?.Ttl ?? request.Ttl, request.RenewalEntry);
        switch (request.Kind)
        {
            case StoreRequestKind.GetLease:
                return new StoreResponse(state.Revision, state.KeysOf(request.Lease)) { Lease = lease };
            case StoreRequestKind.Grant when lease is not null:
                return Error(state, StoreError.LeaseExists);
            case StoreRequestKind.Expire when lease?.RenewalEntry != request.RenewalEntry:
                return new StoreResponse(state.Revision, []);
            case StoreRequestKind.Renew or StoreRequestKind.Revoke when lease is null:
                return Error(state, StoreError.NoSuchLease);
            case StoreRequestKind.Grant or StoreRequestKind.Renew:
                next = state.WithLease(renewed);
                return new StoreResponse(state.Revision, []) { Lease = renewed };
            default:
                next = state.WithoutLease(request.Lease, at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
        }
    }

    private static StoreResponse RenewMany(StoreState state, StoreRequest request, out StoreState next)
    {
        next = state;
        var renewed = new List<LeaseState>();
        foreach (var id in request.Leases)
        {
            renewed.Add(next.FindLease(id) is { } lease ? lease with { RenewalEntry = request.RenewalEntry } : new LeaseState(id, 0, 0));
            if (renewed[^1].Ttl > 0)
                next = next.WithLease(renewed[^1]);
        }

        return new StoreResponse(state.Revision, []) { Leases = [.. renewed] };
    }

    private static StoreResponse Error(StoreState state, StoreError error) => new(state.Revision, []) { Error = error };

    /// <summary>
    /// Returns whether a response is as expected. In a part of the store the revision of the whole store is not compared, and a revision
    /// that no client observed matches any. The number of changes of a key is not compared either: there are exponentially many ways to
    /// choose which of the writes without a response contributed to it.
    /// </summary>
    public override bool Matches(StoreResponse expected, StoreResponse actual)
    {
        if (expected.Error != actual.Error || expected.Lease != actual.Lease || !expected.Leases.AsSpan().SequenceEqual(actual.Leases))
            return false;
        if (expected.Succeeded != actual.Succeeded || expected.ListLength != actual.ListLength ||
            !Equals(expected.List, actual.List) || expected.Versions.Length != actual.Versions.Length)
            return false;
        if (!isPartial && (expected.Revision != actual.Revision || !expected.Previous.AsSpan().SequenceEqual(actual.Previous)))
            return false;
        for (var i = 0; i < expected.Versions.Length; i++)
        {
            var (a, b) = (expected.Versions[i], actual.Versions[i]);
            if (a.Key != b.Key || a.Value != b.Value || a.Lease != b.Lease || !MatchesOrUnknown(a.Modified, b.Modified) ||
                (!isPartial && (a.Version != b.Version || a.Created != b.Created)))
                return false;
        }

        return true;
    }

    /// <summary>
    /// Returns whether a request creates a revision. Its revision is then greater than those before it, which is all that the model of a
    /// part can check about revisions.
    /// </summary>
    private static bool CreatesRevision(StoreState state, StoreRequest request) => request.Kind switch
    {
        StoreRequestKind.Put => request.Lease == 0 || state.FindLease(request.Lease) is not null,
        StoreRequestKind.PutBoth => true,
        StoreRequestKind.Revoke => state.KeysOf(request.Lease).Length > 0,
        StoreRequestKind.Expire =>
            state.FindLease(request.Lease)?.RenewalEntry == request.RenewalEntry && state.KeysOf(request.Lease).Length > 0,
        StoreRequestKind.Delete => state.Find(request.Keys[0]).Length > 0,
        StoreRequestKind.Swap => CanSwap(state.Find(request.Keys[0]), request.ExpectedRevision),
        _ => false,
    };

    private static bool CanSwap(KeyVersion[] found, long expected) =>
        found.Length == 0 ? expected == 0 : MatchesOrUnknown(found[0].Modified, expected);

    private static bool MatchesOrUnknown(long expected, long actual) => expected == actual || expected < 0;
}

/// <summary>An immutable state of the model: a few keys in ascending order, their leases, and the list.</summary>
/// <param name="Revision">The newest revision; in a part of the store, the newest one that a client observed.</param>
/// <param name="Keys">All keys.</param>
/// <param name="List">The list.</param>
internal sealed record StoreState(long Revision, KeyVersion[] Keys, AppendOnlyList List)
{
    /// <summary>The oldest revision that can be read.</summary>
    public long CompactRevision { get; init; } = -1;

    /// <summary>All leases.</summary>
    public LeaseState[] Leases { get; init; } = [];

    /// <summary>The state of the previous revision; null for the initial state, and in a part of the store, where it is unknown.</summary>
    public StoreState? Previous { get; init; }

    public StoreState At(long revision)
    {
        var then = this;
        while (then.Revision > revision)
            then = then.Previous!;
        return then;
    }

    /// <summary>Returns every put and every deletion from a revision on, ordered by revision, and within a revision by key.</summary>
    public KeyVersion[] ChangesSince(long revision)
    {
        var changes = new List<KeyVersion[]>();
        for (var then = this; then.Previous is { } before && then.Revision >= revision; then = before)
        {
            var deleted = before.Keys
                .Where(k => then.Find(k.Key).Length == 0)
                .Select(k => new KeyVersion(k.Key, 0, 0, then.Revision, 0, 0));
            changes.Add(
                [.. then.Keys.Where(k => k.Modified == then.Revision).Concat(deleted).OrderBy(static k => k.Key, StringComparer.Ordinal)]);
        }

        changes.Reverse();
        return [.. changes.SelectMany(static c => c)];
    }

    /// <summary>Returns the version that a change replaced; null if there was none, or if its revision cannot be read any more.</summary>
    public KeyVersion? VersionBefore(KeyVersion change) =>
        change.Modified > CompactRevision && At(change.Modified - 1).Find(change.Key) is [var before] ? before : null;

    public LeaseState? FindLease(long id)
    {
        foreach (var lease in Leases)
        {
            if (lease.Id == id)
                return lease;
        }

        return null;
    }

    public KeyVersion[] KeysOf(long lease) => [.. Keys.Where(k => k.Lease == lease)];

    public StoreState WithLease(LeaseState lease) => this with { Leases = [.. Leases.Where(l => l.Id != lease.Id), lease] };

    /// <summary>Removes a lease and its keys; this creates a revision if the lease has keys.</summary>
    public StoreState WithoutLease(long id, long at) => this with
    {
        Revision = KeysOf(id).Length > 0 ? RevisionAfter(at) : Revision,
        Keys = [.. Keys.Where(k => k.Lease != id)],
        Leases = [.. Leases.Where(l => l.Id != id)],
    };

    public KeyVersion[] Find(string key)
    {
        foreach (var version in Keys)
        {
            if (version.Key == key)
                return [version];
        }

        return [];
    }

    public StoreState Put(StoreRequest request, long at)
    {
        var keys = Keys;
        foreach (var key in request.Keys)
            keys = Put(keys, key, request, at);
        return this with { Revision = RevisionAfter(at), Keys = keys };
    }

    private static KeyVersion[] Put(KeyVersion[] keys, string key, StoreRequest request, long at)
    {
        var place = 0;
        while (place < keys.Length && string.CompareOrdinal(keys[place].Key, key) < 0)
            place++;
        if (place == keys.Length || keys[place].Key != key)
            return [.. keys.AsSpan(0, place), new KeyVersion(key, request.Value, at, at, 1, request.Lease), .. keys.AsSpan(place)];
        var changed = keys.AsSpan().ToArray();
        var version = keys[place].Version + 1;
        changed[place] = keys[place] with { Value = request.Value, Modified = at, Version = version, Lease = request.Lease };
        return changed;
    }

    public StoreState WithoutKey(string key, long at) =>
        this with { Revision = RevisionAfter(at), Keys = [.. Keys.Where(k => k.Key != key)] };

    public bool Equals(StoreState? other) => other is not null
        && Revision == other.Revision && CompactRevision == other.CompactRevision && List.Equals(other.List)
        && Keys.AsSpan().SequenceEqual(other.Keys) && Leases.AsSpan().SequenceEqual(other.Leases);

    /// <summary>Hashes the revision, the list and the last value of each key, which nearly determine the state.</summary>
    public override int GetHashCode()
    {
        var hash = (ulong)Revision ^ List.Digest;
        foreach (var key in Keys)
            hash = (hash ^ key.Value) * 0x9E37_79B9_7F4A_7C15;
        return hash.GetHashCode();
    }

    private long RevisionAfter(long at) => Math.Max(Revision, at);
}
