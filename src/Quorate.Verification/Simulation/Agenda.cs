namespace Quorate.Verification.Simulation;

/// <summary>What is to happen, by its moment; what is due at one moment comes out in the order in which it went in.</summary>
/// <remarks>
/// A heap whose nodes have four children. The library's own asks a comparer through an interface, and a run asks a million times: this took a tenth of
/// the simulator's time.
/// </remarks>
internal sealed class Agenda
{
    private const int Children = 4;

    private Item[] _items = new Item[256];
    private int _count;
    private ulong _added;

    /// <summary>When the next thing is due; the end of all time when nothing is.</summary>
    public long Next => _count == 0 ? long.MaxValue : _items[0].Moment;

    public void Add(long moment, Action happening)
    {
        if (_count == _items.Length)
            Array.Resize(ref _items, 2 * _count);
        var item = new Item(moment, _added++, happening);
        var at = _count++;
        while (at > 0 && item.IsBefore(_items[(at - 1) / Children]))
        {
            _items[at] = _items[(at - 1) / Children];
            at = (at - 1) / Children;
        }

        _items[at] = item;
    }

    public Action Take()
    {
        var first = _items[0].Happening;
        var last = _items[--_count];
        _items[_count] = default;
        if (_count > 0)
            SinkFromTop(last);
        return first;
    }

    private void SinkFromTop(in Item item)
    {
        var items = _items.AsSpan(0, _count);
        var at = 0;
        while ((at * Children) + 1 < items.Length)
        {
            var least = (at * Children) + 1;
            var end = Math.Min(least + Children, items.Length);
            for (var child = least + 1; child < end; child++)
            {
                if (items[child].IsBefore(items[least]))
                    least = child;
            }

            if (!items[least].IsBefore(item))
                break;
            items[at] = items[least];
            at = least;
        }

        items[at] = item;
    }

    private readonly record struct Item(long Moment, ulong Order, Action Happening)
    {
        public bool IsBefore(in Item other) => Moment < other.Moment || (Moment == other.Moment && Order < other.Order);
    }
}
