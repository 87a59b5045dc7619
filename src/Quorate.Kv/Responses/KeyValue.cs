namespace Quorate.Kv;

/// <summary>One version of one key.</summary>
/// <remarks>
/// Shape: the bytes belong to the store and never change. They keep their whole page alive, so copy bytes that are kept for long. Values
/// are compared by location, not by content.
/// </remarks>
public readonly record struct KeyValue(
    ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, long CreateRevision, long ModRevision, long Version, long Lease);
