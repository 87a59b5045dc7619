using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Simulation.Store;

/// <summary>What the store and the list are to do, one thing after another, in as few words as it takes: written from etcd's description, not from our store.</summary>
/// <remarks>
/// Every write makes a revision; a key knows the revisions of its creation and of its last change, and how often it was changed since it was created; a delete of what is not there
/// changes nothing. Source: etcd v3 API, KV.
/// </remarks>
internal sealed class StoreModel(bool isPart = false) : SequentialModel<StoreState, StoreRequest, StoreResponse>
{
    /// <summary>An empty store is at 1; a part of one cannot know what revision the whole is at.</summary>
    public override StoreState Initial { get; } = new(isPart ? 0 : 1, [], AppendedList.Empty);

    /// <summary>An answer that nobody was given.</summary>
    private static StoreResponse Impossible { get; } = new(0, []) { Length = -1 };

    public override ReadOnlySpan<string> KeysOf(StoreRequest request) => request.Keys;

    public override StoreResponse Step(StoreState state, StoreRequest request, out StoreState next)
    {
        next = state;
        if (isPart && request.Revision > 0 && request.Revision <= state.Revision && Changes(state, request))
            return Impossible;
        var at = request.Revision != 0 ? request.Revision : state.Revision + 1;
        switch (request.Kind)
        {
            case StoreRequestKind.Get:
                return new StoreResponse(state.Revision, state.Find(request.Keys[0]));
            case StoreRequestKind.GetAll:
                return new StoreResponse(state.Revision, state.Keys);
            case StoreRequestKind.Put:
                next = state.Put(request, at);
                return new StoreResponse(next.Revision, request.WantsPrevious ? state.Find(request.Keys[0]) : []);
            case StoreRequestKind.PutBoth:
                next = state.Put(request, at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
            case StoreRequestKind.Delete when state.Find(request.Keys[0]).Length == 0:
                return new StoreResponse(state.Revision, []);
            case StoreRequestKind.Delete:
                next = state.Without(request.Keys[0], at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
            case StoreRequestKind.Swap when !MaySwap(state.Find(request.Keys[0]), request.Expected):
                return new StoreResponse(state.Revision, state.Find(request.Keys[0]));
            case StoreRequestKind.Swap:
                next = state.Put(request, at);
                return new StoreResponse(next.Revision, []) { Succeeded = true };
            case StoreRequestKind.Append:
                if (request.Revision > 0 ? request.Revision == state.List.Length + 1 : state.List.Length >= -request.Revision)
                    next = state with { List = state.List.With(request.Value) };
                return new StoreResponse(0, []) { Length = next.List.Length };
            default:
                return new StoreResponse(0, []) { List = state.List };
        }
    }

    /// <summary>
    /// In a part the revision of the whole is not compared, and what nobody was told may be anything. Nor is it compared how often a key was changed: which of the writes that were
    /// never answered make up the number is a question with exponentially many answers.
    /// </summary>
    public override bool Agrees(StoreResponse expected, StoreResponse answered)
    {
        if (expected.Succeeded != answered.Succeeded || expected.Length != answered.Length || !Equals(expected.List, answered.List) || expected.Seen.Length != answered.Seen.Length)
            return false;
        if (!isPart && expected.Revision != answered.Revision)
            return false;
        for (var i = 0; i < expected.Seen.Length; i++)
        {
            var (a, b) = (expected.Seen[i], answered.Seen[i]);
            if (a.Key != b.Key || a.Value != b.Value || !IsOrMayBe(a.Modified, b.Modified) || (!isPart && (a.Version != b.Version || a.Created != b.Created)))
                return false;
        }

        return true;
    }

    /// <summary>Whether a request of the store writes: then, as revisions grow, its own is greater than those before, and that is all a part can say of revisions.</summary>
    private static bool Changes(StoreState state, StoreRequest request) => request.Kind switch
    {
        StoreRequestKind.Put or StoreRequestKind.PutBoth => true,
        StoreRequestKind.Delete => state.Find(request.Keys[0]).Length > 0,
        StoreRequestKind.Swap => MaySwap(state.Find(request.Keys[0]), request.Expected),
        _ => false,
    };

    private static bool MaySwap(KeyVersion[] found, long expected) => found.Length == 0 ? expected == 0 : IsOrMayBe(found[0].Modified, expected);

    private static bool IsOrMayBe(long expected, long answered) => expected == answered || expected < 0;
}

/// <summary>A few keys, ascending, and the list. It never changes.</summary>
/// <param name="Revision">The newest; in a part of a store, the newest that anybody was told.</param>
/// <param name="Keys">All keys there are.</param>
/// <param name="List">The list.</param>
internal sealed record StoreState(long Revision, KeyVersion[] Keys, AppendedList List)
{
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
        var keys = new List<KeyVersion>(Keys);
        foreach (var key in request.Keys)
        {
            var place = keys.FindIndex(k => string.CompareOrdinal(k.Key, key) >= 0);
            if (place >= 0 && keys[place].Key == key)
                keys[place] = keys[place] with { Value = request.Value, Modified = at, Version = keys[place].Version + 1 };
            else
                keys.Insert(place < 0 ? keys.Count : place, new KeyVersion(key, request.Value, at, at, 1));
        }

        return new StoreState(After(at), [.. keys], List);
    }

    public StoreState Without(string key, long at) => new(After(at), [.. Keys.Where(k => k.Key != key)], List);

    public bool Equals(StoreState? other) => other is not null && Revision == other.Revision && List.Equals(other.List) && Keys.AsSpan().SequenceEqual(other.Keys);

    /// <summary>Who wrote the keys last says nearly all there is to say of them.</summary>
    public override int GetHashCode()
    {
        var hash = (ulong)Revision ^ List.Digest;
        foreach (var key in Keys)
            hash = (hash ^ key.Value) * 0x9E37_79B9_7F4A_7C15;
        return hash.GetHashCode();
    }

    private long After(long at) => Math.Max(Revision, at);
}
