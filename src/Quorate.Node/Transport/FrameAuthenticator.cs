using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Quorate.Node.Transport;

/// <summary>Computes and verifies the MACs of the frames of one connection, if the cluster has a <see cref="PeerSecret"/>.</summary>
/// <remarks>
/// The MAC of a frame is HMAC-SHA256, shortened to 16 bytes, over the number of the frame in its connection, counted from 0, and all its
/// bytes. So a frame cannot be altered, repeated, left out or moved. A connection carries frames in one direction only, so each side has
/// one authenticator for it. Nothing is allocated for a frame.
/// Threading: one caller at a time.
/// </remarks>
internal sealed class FrameAuthenticator(byte[] key) : IDisposable
{
    public const int MacBytes = 16;

    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
    private ulong _number;

    /// <summary>Writes the MAC of the next frame.</summary>
    public void Sign(ReadOnlySpan<byte> frame, Span<byte> mac)
    {
        Span<byte> hash = stackalloc byte[32];
        Compute(frame, [], hash);
        hash[..MacBytes].CopyTo(mac);
    }

    /// <summary>Verifies the MAC of the next frame.</summary>
    /// <exception cref="WireFormatException">The frame is not the one that the peer sent at this place.</exception>
    public void Verify(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body, ReadOnlySpan<byte> mac)
    {
        Span<byte> hash = stackalloc byte[32];
        Compute(header, body, hash);
        if (!CryptographicOperations.FixedTimeEquals(hash[..MacBytes], mac))
            throw new WireFormatException("the MAC of a frame does not match: it was altered, repeated, moved or left out");
    }

    public void Dispose() => _hmac.Dispose();

    private void Compute(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body, Span<byte> hash)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(number, _number++);
        _hmac.AppendData(number);
        _hmac.AppendData(header);
        _hmac.AppendData(body);
        _hmac.GetHashAndReset(hash);
    }
}
