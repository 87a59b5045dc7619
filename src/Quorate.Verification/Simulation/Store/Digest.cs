using System.Numerics;
using Quorate.Kv;
using Quorate.Node.Storage;

namespace Quorate.Verification.Simulation.Store;

/// <summary>A 64-bit digest of a sequence of values; sequences that differ have different digests, apart from random collisions.</summary>
internal struct Digest
{
    /// <summary>Continues a digest from its value.</summary>
    public Digest(ulong value) => Value = value;

    public ulong Value { get; private set; }

    /// <summary>Returns the digest that had this value.</summary>
    public static Digest Restore(ulong value) => new() { Value = value };

    /// <summary>Adds up to four values at once, which is faster: only the last step depends on the digest so far.</summary>
    public void Add(ulong a, ulong b = 0, ulong c = 0, ulong d = 0)
    {
        var all = a + (b * 0xBF58_476D_1CE4_E5B9) + (BitOperations.RotateLeft(c, 32) * 0x94D0_49BB_1331_11EB)
            + (BitOperations.RotateLeft(d, 16) * 0xD6E8_FEB8_6659_FD93);
        Value = ((Value ^ all) * 0x9E37_79B9_7F4A_7C15) ^ (Value >> 31);
    }

    public void Add(ReadOnlySpan<byte> bytes) => Add((ulong)bytes.Length, Crc32C.Of(bytes));

    public void Add(in KeyValue kv)
    {
        Add((ulong)kv.CreateRevision, (ulong)kv.ModRevision, (ulong)kv.Version, (ulong)kv.Lease);
        Add((ulong)kv.Key.Length, Crc32C.Of(kv.Key.Span), (ulong)kv.Value.Length, Crc32C.Of(kv.Value.Span));
    }
}
