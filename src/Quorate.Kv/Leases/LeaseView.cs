using System.Buffers.Binary;
using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Kv.Leases;

/// <summary>A read-only view of the leases: two tree roots.</summary>
/// <remarks>
/// <code>
///   Leases     lease id, 8 bytes              →  varint ttl in seconds, varint index of the last renewal, varint clock anchor (if any)
///   Attached   lease id, 8 bytes, and a key   →  nothing
/// </code>
/// Invariant: a key is attached to a lease exactly when its newest version names that lease, and every named lease exists. These are trees
/// and not hash tables, so that readers need no locks and every member enumerates them in the same order.
/// </remarks>
internal readonly record struct LeaseView(Page Leases, Page Attached, LeaseClock Clock)
{
    public const int IdBytes = sizeof(long);
    public const int ValueBytesMax = 3 * Varint.BytesMax;

    /// <summary>The number of leases.</summary>
    public long Count => Leases.CountedEntries;

    public bool TryGet(long id, out Lease lease)
    {
        if (!TreeReader.TryFind(Leases, ToKey(id, stackalloc byte[IdBytes]), out var leaf, out var slot))
        {
            lease = default;
            return false;
        }

        lease = Read(id, leaf.Value(slot).Span);
        return true;
    }

    public bool Exists(long id) => TreeReader.TryFind(Leases, ToKey(id, stackalloc byte[IdBytes]), out _, out _);

    /// <summary>Returns all leases, in the order of their ids.</summary>
    public List<Lease> All()
    {
        var all = new List<Lease>((int)Count);
        for (var cursor = new TreeCursor(Leases, []); cursor.IsValid; cursor.MoveNext())
            all.Add(Read(BinaryPrimitives.ReadInt64BigEndian(cursor.Key), cursor.Value.Span));
        return all;
    }

    /// <summary>Returns the keys attached to a lease, ascending.</summary>
    public List<ReadOnlyMemory<byte>> KeysOf(long id)
    {
        var keys = new List<ReadOnlyMemory<byte>>();
        Span<byte> prefix = stackalloc byte[IdBytes];
        ToKey(id, prefix);
        for (var cursor = new TreeCursor(Attached, prefix); cursor.IsValid && cursor.Key.StartsWith(prefix); cursor.MoveNext())
            keys.Add(cursor.KeyMemory[IdBytes..]);
        return keys;
    }

    public static ReadOnlySpan<byte> ToKey(long id, Span<byte> target)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, id);
        return target[..IdBytes];
    }

    public static ReadOnlySpan<byte> Write(in Lease lease, Span<byte> target)
    {
        var at = Varint.Write(target, (ulong)lease.TtlSeconds);
        at += Varint.Write(target[at..], lease.RenewedAt.Value);
        if (lease.ClockAnchor is { } anchor)
            at += Varint.Write(target[at..], (ulong)anchor);
        return target[..at];
    }

    public static Lease Read(long id, ReadOnlySpan<byte> value)
    {
        var at = 0;
        var ttl = (long)Varint.Read(value, ref at);
        var lease = new Lease(id, ttl, new LogIndex(Varint.Read(value, ref at)));
        return at == value.Length ? lease : lease with { ClockAnchor = (long)Varint.Read(value, ref at) };
    }
}
