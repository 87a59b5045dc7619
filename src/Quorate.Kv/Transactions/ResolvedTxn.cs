using Quorate.Kv.Mvcc;

namespace Quorate.Kv;

/// <summary>A transaction with its branches resolved, including those of its nested transactions.</summary>
/// <remarks>
/// All branches are determined by the state before the first operation, as in etcd: the effect of an operation does not change a nested
/// branch.
/// </remarks>
internal sealed class ResolvedTxn
{
    private ResolvedTxn(TxnRequest txn, MvccView before, IReadCancellation? cancellation)
    {
        Succeeded = Holds(txn.Compare, before, cancellation);
        Operations = Succeeded ? txn.Success : txn.Failure;
        foreach (var operation in Operations)
        {
            if (operation is TxnRequest nested)
                (Nested ??= []).Add(new ResolvedTxn(nested, before, cancellation));
        }
    }

    /// <summary>Whether the comparisons hold.</summary>
    public bool Succeeded { get; }

    /// <summary>The operations of the branch taken.</summary>
    public IReadOnlyList<KvOperation> Operations { get; }

    /// <summary>The resolved transactions among <see cref="Operations"/>, in their order; null when there are none.</summary>
    public List<ResolvedTxn>? Nested { get; }

    public static ResolvedTxn Resolve(TxnRequest txn, MvccView before, IReadCancellation? cancellation = null) =>
        new(txn, before, cancellation);

    private static bool Holds(IReadOnlyList<KeyCompare> compares, in MvccView view, IReadCancellation? cancellation)
    {
        foreach (var compare in compares)
        {
            if (!Holds(compare, view, cancellation))
                return false;
        }

        return true;
    }

    private static bool Holds(KeyCompare compare, in MvccView view, IReadCancellation? cancellation)
    {
        var enumerator = new KeyRangeEnumerator(view, compare.Keys, view.Revision, cancellation);
        var any = false;
        while (enumerator.MoveNext())
        {
            any = true;
            if (!Holds(compare, enumerator.Current))
                return false;
        }

        // The interval has no keys: numbers are compared with 0, and a missing value is neither equal nor unequal to another.
        return any || (compare.Target != CompareTarget.Value && Holds(compare, default(KeyValue)));
    }

    private static bool Holds(KeyCompare compare, in KeyValue kv)
    {
        var order = compare.Target switch
        {
            CompareTarget.Version => kv.Version.CompareTo(compare.Number),
            CompareTarget.Create => kv.CreateRevision.CompareTo(compare.Number),
            CompareTarget.Mod => kv.ModRevision.CompareTo(compare.Number),
            CompareTarget.Lease => kv.Lease.CompareTo(compare.Number),
            CompareTarget.Value => kv.Value.Span.SequenceCompareTo(compare.Value.Span),
            _ => throw new InvalidOperationException($"unknown compare target {compare.Target}"),
        };
        return compare.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.NotEqual => order != 0,
            CompareResult.Greater => order > 0,
            CompareResult.Less => order < 0,
            _ => throw new InvalidOperationException($"unknown comparison {compare.Result}"),
        };
    }
}
