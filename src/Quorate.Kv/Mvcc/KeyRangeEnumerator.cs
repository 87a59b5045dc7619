using Quorate.Kv.Tree;

namespace Quorate.Kv.Mvcc;

/// <summary>Enumerates the keys of an interval that exist at a revision, ascending.</summary>
internal ref struct KeyRangeEnumerator
{
    // A key takes well under a microsecond, so a cancelled read ends within a fraction of a millisecond.
    private const int KeysPerPoll = 256;

    private readonly MvccView _view;
    private readonly KeyInterval _keys;
    private readonly long _revision;
    private readonly IReadCancellation? _cancellation;
    private int _keysUntilPoll = KeysPerPoll;
    private TreeCursor? _cursor;
    private bool _started;
    private KeyIndexEntry _record;

    public KeyRangeEnumerator(MvccView view, KeyInterval keys, long revision, IReadCancellation? cancellation = null)
    {
        _view = view;
        _keys = keys;
        _revision = revision;
        _cancellation = cancellation;
    }

    /// <summary>The current key with its value.</summary>
    public KeyValue Current { get; private set; }

    public bool MoveNext()
    {
        while (MoveToNextRecord())
        {
            if (--_keysUntilPoll == 0)
                Poll();
            if (_view.GetAt(_record, _revision) is { } kv)
            {
                Current = kv;
                return true;
            }
        }

        return false;
    }

    private void Poll()
    {
        _keysUntilPoll = KeysPerPoll;
        if (_cancellation is { IsCancellationRequested: true })
            throw new OperationCanceledException("the caller of the read no longer waits for it");
    }

    private bool MoveToNextRecord()
    {
        if (_keys.Kind == KeyIntervalKind.Single)
        {
            if (_started)
                return false;
            _started = true;
            return _view.TryGetRecord(_keys.Start.Span, out _record);
        }

        if (_cursor is null)
            _cursor = new TreeCursor(_view.Keys, _keys.Start.Span);
        else
            _cursor.MoveNext();

        if (!_cursor.IsValid || !_keys.Contains(_cursor.Key))
            return false;
        _record = KeyIndexEntry.Read(_cursor.Value.Span);
        return true;
    }
}
