using System.Buffers.Binary;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Leases;

/// <summary>CRC-32C over the lease clock, the leases and their keys, to compare members that have applied the same commands.</summary>
internal static class LeaseHash
{
    public static uint Append(uint hash, in LeaseView leases)
    {
        hash = ~hash;
        Span<byte> fields = stackalloc byte[32];
        BinaryPrimitives.WriteInt64LittleEndian(fields, leases.Clock.Milliseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(fields[8..], leases.Clock.LastAdvance.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(fields[16..], leases.Clock.PreviousAdvance.Value);
        hash = RevisionHash.Append(hash, fields[..24]);
        foreach (var lease in leases.All())
        {
            BinaryPrimitives.WriteInt64LittleEndian(fields, lease.Id);
            BinaryPrimitives.WriteInt64LittleEndian(fields[8..], lease.TtlSeconds);
            BinaryPrimitives.WriteUInt64LittleEndian(fields[16..], lease.RenewedAt.Value);
            BinaryPrimitives.WriteInt64LittleEndian(fields[24..], lease.ClockAnchor ?? -1);
            hash = RevisionHash.Append(hash, fields);
        }

        for (var cursor = new TreeCursor(leases.Attached, []); cursor.IsValid; cursor.MoveNext())
        {
            BinaryPrimitives.WriteInt32LittleEndian(fields, cursor.Key.Length);
            hash = RevisionHash.Append(RevisionHash.Append(hash, fields[..sizeof(int)]), cursor.Key);
        }

        return ~hash;
    }
}
