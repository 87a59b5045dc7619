using System.Buffers.Binary;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Leases;

/// <summary>CRC-32C over the leases and their attachments, to compare members that have applied the same commands.</summary>
internal static class LeaseHash
{
    public static uint Append(uint hash, in LeaseView leases)
    {
        hash = ~hash;
        Span<byte> fields = stackalloc byte[24];
        foreach (var lease in leases.All())
        {
            BinaryPrimitives.WriteInt64LittleEndian(fields, lease.Id);
            BinaryPrimitives.WriteInt64LittleEndian(fields[8..], lease.TtlSeconds);
            BinaryPrimitives.WriteUInt64LittleEndian(fields[16..], lease.RenewedAt.Value);
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
