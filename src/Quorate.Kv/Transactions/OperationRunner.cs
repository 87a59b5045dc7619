using Quorate.Kv.Mvcc;

namespace Quorate.Kv;

/// <summary>Carries out operations whose <see cref="Preconditions"/> hold. They cannot fail any more.</summary>
/// <remarks>With a writer each operation sees what those before it did; without one they all read the same view, and none may write.</remarks>
internal readonly struct OperationRunner(MvccView view, MvccWriter? writer)
{
    private readonly MvccView _view = view;
    private readonly MvccWriter? _writer = writer;

    private MvccView View => _writer?.View ?? _view;

    private MvccWriter Writer => _writer ?? throw new InvalidOperationException("a snapshot cannot be written to");

    public TxnResponse Txn(TxnPath path, bool isOutermost)
    {
        var responses = new KvResponse[path.Operations.Count];
        var nested = 0;
        for (var i = 0; i < responses.Length; i++)
        {
            responses[i] = path.Operations[i] switch
            {
                RangeRequest range => Range(range),
                PutRequest put => Put(put),
                DeleteRangeRequest delete => DeleteRange(delete),
                TxnRequest => Txn(path.Nested![nested++], isOutermost: false),
                var other => throw new InvalidOperationException($"{other.GetType().Name} was let through"),
            };
        }

        return new TxnResponse(isOutermost ? View.Revision : 0, path.Succeeded, responses);
    }

    public PutResponse Put(PutRequest put)
    {
        var target = Writer;
        var before = target.View;
        KeyRecord? newest = before.TryGetRecord(put.Key.Span, out var record) ? record : null;
        var exists = newest is { IsDeletion: false };
        KeyValue? previous = exists && (put.PrevKv || put.IgnoreValue) ? before.Version(record.Mod).Kv : null;
        var value = put.IgnoreValue ? previous!.Value.Value : put.Value;
        target.Put(put.Key.Span, value.Span, put.IgnoreLease ? record.Lease : put.Lease, newest);
        return new PutResponse(target.View.Revision, put.PrevKv ? previous : null);
    }

    public DeleteRangeResponse DeleteRange(DeleteRangeRequest delete)
    {
        var target = Writer;
        var before = target.View;
        var gone = new List<KeyValue>();
        var walk = new IntervalWalk(before, delete.Keys, before.Revision);
        while (walk.MoveNext())
            gone.Add(walk.Current);

        foreach (var kv in gone)
        {
            if (target.View.TryGetRecord(kv.Key.Span, out var newest))
                target.Delete(kv.Key.Span, newest);
        }

        return new DeleteRangeResponse(target.View.Revision, gone.Count, delete.PrevKv ? gone : []);
    }

    private RangeResponse Range(RangeRequest range) => RangeReader.Read(View, range, out var response) is { } error
        ? throw new InvalidOperationException($"a range was let through: {error}")
        : response;
}
