namespace Quorate.Raft;

/// <summary>Requests a part of a snapshot file from a member that has one.</summary>
/// <remarks>
/// The driver of the receiver sends it, and the driver of the sender replies; the core never sees these messages, because the bytes of a
/// snapshot change nothing in the protocol before all of them are durable. <see cref="Message.Term"/> is not used.
/// </remarks>
public sealed class FetchSnapshot : Message
{
    /// <summary>
    /// The last entry of the requested snapshot; with <see cref="Nonce"/> 0, the entry that the snapshot must at least cover.
    /// </summary>
    public EntryId Last { get; set; }

    /// <summary>The nonce of the requested file; 0: the newest file that the receiver of this request has.</summary>
    public ulong Nonce { get; set; }

    /// <summary>The length of the requested file; 0 with <see cref="Nonce"/> 0.</summary>
    public long FileBytes { get; set; }

    /// <summary>The position of the first byte in the file.</summary>
    public long Offset { get; set; }

    /// <summary>The number of bytes; at most <see cref="FetchSnapshotReply.MaxBytes"/>.</summary>
    public int Length { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"FetchSnapshot {From}→{To} last {Last} nonce {Nonce:x} offset {Offset} length {Length}";
}

/// <summary>A part of a snapshot file: the reply to a <see cref="FetchSnapshot"/>.</summary>
/// <remarks>
/// Shape: <see cref="Last"/>, <see cref="Nonce"/> and <see cref="FileBytes"/> identify the file. With <see cref="FileBytes"/> 0 the sender
/// has no such snapshot. The bytes have no checksum of their own: the file has, and it is verified before it is used.
/// </remarks>
public sealed class FetchSnapshotReply : Message
{
    /// <summary>
    /// The most bytes of the file in one message. Below the size from which the runtime allocates arrays in the large object heap, and
    /// small enough that a heartbeat waits little behind it on a slow link.
    /// </summary>
    public const int MaxBytes = 64 << 10;

    /// <summary>The last entry that the snapshot covers.</summary>
    public EntryId Last { get; set; }

    /// <summary>The nonce of the file.</summary>
    public ulong Nonce { get; set; }

    /// <summary>The length of the whole file; 0: the sender does not have the requested snapshot.</summary>
    public long FileBytes { get; set; }

    /// <summary>The position of the first byte in the file.</summary>
    public long Offset { get; set; }

    /// <summary>The bytes; fewer than requested only at the end of the file.</summary>
    public ReadOnlyMemory<byte> Bytes { get; set; }

    internal override void Reset() => Bytes = default;

    /// <inheritdoc/>
    public override string ToString() =>
        $"FetchSnapshotReply {From}→{To} last {Last} nonce {Nonce:x} offset {Offset} length {Bytes.Length} of {FileBytes}";
}
