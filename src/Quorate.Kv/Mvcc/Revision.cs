using System.Buffers.Binary;

namespace Quorate.Kv.Mvcc;

/// <summary>
/// Identifies one change: the revision of its transaction (main) and its position among the changes of that transaction (sub). Main 0 is no
/// change.
/// </summary>
/// <remarks>As a key of the history it is main, then sub, both big-endian, so that the byte order is the order of the changes.</remarks>
internal readonly record struct Revision(long Main, int Sub)
{
    /// <summary>The size of a revision as a key, in bytes.</summary>
    public const int KeyBytes = 12;

    public bool IsNone => Main == 0;

    public static Revision FromKey(ReadOnlySpan<byte> key) =>
        new(BinaryPrimitives.ReadInt64BigEndian(key), BinaryPrimitives.ReadInt32BigEndian(key[8..]));

    public ReadOnlySpan<byte> ToKey(Span<byte> target)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, Main);
        BinaryPrimitives.WriteInt32BigEndian(target[8..], Sub);
        return target[..KeyBytes];
    }
}
