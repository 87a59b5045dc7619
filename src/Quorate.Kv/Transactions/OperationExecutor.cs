using Quorate.Kv.Mvcc;

namespace Quorate.Kv;

/// <summary>Executes operations whose <see cref="Preconditions"/> hold. They cannot fail.</summary>
/// <remarks>
/// With a writer each operation sees the effects of the earlier ones; without one they all read the same view, and none may write.
/// Only a read-only transaction has a <paramref name="cancellation"/>: applying a command always completes.
/// </remarks>
internal readonly struct OperationExecutor(MvccView view, MvccWriter? writer, IReadCancellation? cancellation = null)
{
    private readonly MvccView _view = view;
    private readonly MvccWriter? _writer = writer;
    private readonly IReadCancellation? _cancellation = cancellation;

    private MvccView View => _writer?.View ?? _view;

    private MvccWriter Writer => _writer ?? throw new InvalidOperationException("a snapshot is read-only");

    public TxnResponse Txn(ResolvedTxn resolved, bool isOutermost)
    {
        var responses = new KvResponse[resolved.Operations.Count];
        var nested = 0;
        for (var i = 0; i < responses.Length; i++)
        {
            responses[i] = resolved.Operations[i] switch
            {
                RangeRequest range => Range(range),
                PutRequest put => Put(put),
                DeleteRangeRequest delete => DeleteRange(delete),
                TxnRequest => Txn(resolved.Nested![nested++], isOutermost: false),
                var other => throw new InvalidOperationException($"{other.GetType().Name} passed validation"),
            };
        }

        return new TxnResponse(isOutermost ? View.Revision : 0, resolved.Succeeded, responses);
    }

    public PutResponse Put(PutRequest put)
    {
        var target = Writer;
        var before = target.View;
        KeyIndexEntry? newest = before.TryGetRecord(put.Key.Span, out var record) ? record : null;
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
        var deleted = new List<KeyValue>();
        var enumerator = new KeyRangeEnumerator(before, delete.Keys, before.Revision);
        while (enumerator.MoveNext())
            deleted.Add(enumerator.Current);

        foreach (var kv in deleted)
        {
            if (target.View.TryGetRecord(kv.Key.Span, out var newest))
                target.Delete(kv.Key.Span, newest);
        }

        return new DeleteRangeResponse(target.View.Revision, deleted.Count, delete.PrevKv ? deleted : []);
    }

    private RangeResponse Range(RangeRequest range) => RangeReader.Read(View, range, _cancellation, out var response) is { } error
        ? throw new InvalidOperationException($"a range passed the precondition checks: {error}")
        : response;
}
