namespace Quorate.Kv;

/// <summary>One version of one key.</summary>
/// <remarks>
/// Shape: the bytes belong to the store and never change; they keep the page they lie in alive, so copy what shall be kept for long. Two
/// compare by place, not by content.
/// </remarks>
public readonly record struct KeyValue(
    ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, long CreateRevision, long ModRevision, long Version, long Lease);
