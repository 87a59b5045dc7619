using System.Buffers.Binary;

namespace Quorate.Kv.Mvcc;

/// <summary>A 64-bit hash of one version of a key or of one change of a lease, to be summed over many of them.</summary>
/// <remarks>
/// A sum does not depend on the order of its parts, so it is maintained with each write and can be computed again from the content. Members
/// of different builds compare the sums: a change of the function needs a new cluster version. Not for input of an attacker who wants two
/// states with one hash; members do not choose what they apply.
/// Shape: 16 bytes at a time are multiplied to 128 bits, whose halves are combined. Source: wyhash.
/// </remarks>
internal static class RecordHash
{
    // Odd numbers with about as many ones as zeroes do: these are digits of pi.
    private const ulong MultiplierA = 0x243f_6a88_85a3_08d3;
    private const ulong MultiplierB = 0x1319_8a2e_0370_7345;

    /// <summary>
    /// The hash of a version. For a deletion, <paramref name="created"/>, <paramref name="version"/>, and the lease are 0.
    /// </summary>
    public static ulong OfVersion(
        Revision mod, long created, long version, long lease, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var hash = Mix((ulong)mod.Main ^ MultiplierA, (ulong)mod.Sub ^ MultiplierB);
        hash = Mix((ulong)created ^ hash, (ulong)version ^ MultiplierB);
        hash = Mix((ulong)lease ^ hash, (((ulong)key.Length << 32) | (uint)value.Length) ^ MultiplierA);
        return OfBytes(OfBytes(hash, key), value);
    }

    /// <summary>The hash of a version as it is stored.</summary>
    public static ulong OfVersion(Revision mod, in KeyValue kv) =>
        OfVersion(mod, kv.CreateRevision, kv.Version, kv.Lease, kv.Key.Span, kv.Value.Span);

    /// <summary>The hash of a lease that was granted, renewed, or received its clock anchor.</summary>
    public static ulong OfLease(in Lease lease)
    {
        var hash = Mix((ulong)lease.Id ^ MultiplierB, (ulong)lease.TtlSeconds ^ MultiplierA);
        return Mix(lease.RenewedAt.Value ^ hash, (ulong)(lease.ClockAnchor ?? -1) ^ MultiplierB);
    }

    /// <summary>The hash of the end of a lease.</summary>
    public static ulong OfRemovedLease(long id) => Mix((ulong)id ^ MultiplierA, MultiplierB);

    /// <summary>The hash of the state of a store.</summary>
    /// <param name="written">The sum over all versions ever written.</param>
    /// <param name="leaseChanges">The sum over all changes of leases.</param>
    /// <param name="revision">The newest revision.</param>
    /// <param name="compactRevision">The compact revision.</param>
    /// <param name="clock">The lease clock.</param>
    public static ulong OfStore(ulong written, ulong leaseChanges, long revision, long compactRevision, in LeaseClock clock)
    {
        var hash = Mix(written ^ MultiplierA, leaseChanges ^ MultiplierB);
        hash = Mix((ulong)revision ^ hash, (ulong)compactRevision ^ MultiplierB);
        hash = Mix((ulong)clock.Milliseconds ^ hash, clock.LastAdvance.Value ^ MultiplierA);
        return Mix(clock.PreviousAdvance.Value ^ hash, MultiplierB);
    }

    /// <summary>Continues a hash over bytes whose length is in it already.</summary>
    private static ulong OfBytes(ulong hash, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 16; bytes = bytes[16..])
        {
            hash = Mix(
                BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ MultiplierA,
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) ^ hash);
        }

        var low = bytes.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        ulong high = 0;
        foreach (var b in bytes.Length >= 8 ? bytes[8..] : bytes)
            high = (high << 8) | b;
        return Mix(low ^ MultiplierA, high ^ hash ^ MultiplierB);
    }

    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }
}
