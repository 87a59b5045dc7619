using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Encodes and decodes the messages of one Raft group, for implementations of <see cref="ITransport"/>.</summary>
/// <remarks>
/// A frame is a header with two checksums, and a body: docs/formats/wire.md.
/// Threading: <see cref="SizeOf"/> and <see cref="Encode"/> may be called from any thread; <see cref="TryDecode"/> by one at a time.
/// </remarks>
/// <param name="group">The group. Frames of other groups are not decoded.</param>
/// <param name="maxFrameBytes">The largest frame to decode, bytes: <see cref="TransportStartContext.MaxFrameBytes"/>.</param>
public sealed class MessageCodec(GroupId group, int maxFrameBytes)
{
    private readonly WireDecoder _decoder = new();

    /// <summary>Computes the length of the frame of a message, bytes.</summary>
    public static long SizeOf(Message message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return WireEncoder.SizeOf(message);
    }

    /// <summary>Encodes a message into a frame.</summary>
    /// <param name="message">The message.</param>
    /// <param name="frame">Exactly <see cref="SizeOf"/> bytes.</param>
    public void Encode(Message message, Span<byte> frame)
    {
        ArgumentNullException.ThrowIfNull(message);
        var bytes = SizeOf(message);
        if (frame.Length != bytes)
            throw new ArgumentException($"The frame has {frame.Length} bytes; this message takes exactly {bytes}.", nameof(frame));
        WireEncoder.Encode(message, group, frame);
    }

    /// <summary>Decodes a frame; returns false for a message of another group, or of a kind that this version does not know.</summary>
    /// <remarks>
    /// Lifetime: the message is valid until the next call. The payloads of its entries and proposals are slices of
    /// <paramref name="frame"/>, and the log keeps them: the memory must not be used again.
    /// </remarks>
    /// <exception cref="WireFormatException">The bytes are not a frame, or they have been changed since it was encoded.</exception>
    public bool TryDecode(ReadOnlyMemory<byte> frame, [NotNullWhen(true)] out Message? message)
    {
        message = null;
        var header = WireFrame.ReadHeader(frame.Span, maxFrameBytes);
        var body = frame[WireFrame.HeaderBytes..];
        WireFrame.CheckBody(header, body.Span);
        return header.Group == group && _decoder.TryDecode(header.Kind, body, out message);
    }
}
