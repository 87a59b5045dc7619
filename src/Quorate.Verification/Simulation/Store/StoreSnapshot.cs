using System.Buffers.Binary;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>A snapshot of <see cref="StoreStateMachine"/>: the digest over its states so far, the list, and the store.</summary>
/// <remarks>
/// <code>
///    0   8   digest over all states
///    8   8   its revision
///   16   8   length of the list
///   24   …   the elements of the list, 8 bytes each
///        …   the store
/// </code>
/// All numbers are little-endian. The bytes exist only within a run.
/// </remarks>
internal sealed class StoreSnapshot(StoreStateDigest stateHistory, AppendOnlyList list, IStateMachineSnapshot store)
    : IStateMachineSnapshot
{
    private const int HeaderBytes = 24;
    private const int ElementBytes = sizeof(ulong);

    public void WriteTo(Stream destination)
    {
        var bytes = new byte[HeaderBytes + (list.Length * ElementBytes)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, stateHistory.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), stateHistory.Revision);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), list.Length);
        for (var from = list; from.Previous is { } previous; from = previous)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(HeaderBytes + ((from.Length - 1) * ElementBytes)), from.Last);
        destination.Write(bytes);
        store.WriteTo(destination);
    }

    public void Dispose() => store.Dispose();

    /// <summary>Reads the digest and the list, and leaves the stream where the store begins.</summary>
    public static (StoreStateDigest StateHistory, AppendOnlyList List) ReadHeader(Stream source)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        source.ReadExactly(header);
        var stateHistory = new StoreStateDigest(
            BinaryPrimitives.ReadUInt64LittleEndian(header), BinaryPrimitives.ReadInt64LittleEndian(header[8..]));
        var list = AppendOnlyList.Empty;
        Span<byte> element = stackalloc byte[ElementBytes];
        for (var length = BinaryPrimitives.ReadInt64LittleEndian(header[16..]); length > 0; length--)
        {
            source.ReadExactly(element);
            list = list.Append(BinaryPrimitives.ReadUInt64LittleEndian(element));
        }

        return (stateHistory, list);
    }
}
