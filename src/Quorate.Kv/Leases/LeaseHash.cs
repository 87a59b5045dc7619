using System.Buffers.Binary;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Leases;

/// <summary>CRC-32C over the leases and what is attached to them, for comparing members that have applied the same commands.</summary>
internal static class LeaseHash
{
    public static uint Add(uint hash, in LeaseView leases)
    {
        hash = ~hash;
        Span<byte> head = stackalloc byte[24];
        foreach (var lease in leases.All())
        {
            BinaryPrimitives.WriteInt64LittleEndian(head, lease.Id);
            BinaryPrimitives.WriteInt64LittleEndian(head[8..], lease.TtlSeconds);
            BinaryPrimitives.WriteUInt64LittleEndian(head[16..], lease.RenewedAt.Value);
            hash = HistoryHash.Add(hash, head);
        }

        for (var cursor = new TreeCursor(leases.Attached, []); cursor.IsValid; cursor.MoveNext())
        {
            BinaryPrimitives.WriteInt32LittleEndian(head, cursor.Key.Length);
            hash = HistoryHash.Add(HistoryHash.Add(hash, head[..sizeof(int)]), cursor.Key);
        }

        return ~hash;
    }
}
