using System.Buffers.Binary;
using System.Security.Cryptography;
using Quorate.Node.Storage;

namespace Quorate.Node.Transport;

/// <summary>One key of a <see cref="PeerSecret"/>: proofs of a handshake, and the key of a connection.</summary>
/// <remarks>
/// A proof is HMAC-SHA256 over a label, all messages of the handshake before this one, and this one up to the proof. So it cannot be used
/// in another place of a handshake (the labels differ), in another handshake (both sides choose a nonce), or between other nodes (the
/// request names both). Layout: <see cref="Handshake"/>.
/// </remarks>
internal sealed class PeerKey(byte[] secret)
{
    public const int NonceBytes = 32;
    public const int ProofBytes = 32;
    private const int ChecksumBytes = 4;

    private readonly byte[] _handshakeKey =
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, salt: [.. "quorate peer secret 1"u8], info: [.. "handshake"u8]);

    /// <summary>Writes the proof into a message that ends with space for it and the checksum, and the checksum.</summary>
    public void Seal(Span<byte> message, ReadOnlySpan<byte> label, params ReadOnlySpan<byte[]> before)
    {
        Prove(message[..^(ProofBytes + ChecksumBytes)], label, before).CopyTo(message[^(ProofBytes + ChecksumBytes)..]);
        BinaryPrimitives.WriteUInt32LittleEndian(message[^ChecksumBytes..], Crc32C.Of(message[..^ChecksumBytes]));
    }

    /// <summary>Whether a message ends with the proof of a node that knows this key.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, params ReadOnlySpan<byte[]> before) =>
        CryptographicOperations.FixedTimeEquals(
            Prove(message[..^(ProofBytes + ChecksumBytes)], label, before), message[^(ProofBytes + ChecksumBytes)..^ChecksumBytes]);

    /// <summary>Computes a proof over earlier messages and a part of a message.</summary>
    public byte[] Prove(ReadOnlySpan<byte> message, ReadOnlySpan<byte> label, params ReadOnlySpan<byte[]> before)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _handshakeKey);
        hmac.AppendData(label);
        foreach (var earlier in before)
            hmac.AppendData(earlier);
        hmac.AppendData(message);
        return hmac.GetHashAndReset();
    }

    /// <summary>Derives the key for the frames of one connection, from both nonces and all that the two messages say.</summary>
    public FrameAuthenticator DeriveFrameKey(byte[] request, byte[] challenge) => new(HKDF.DeriveKey(
        HashAlgorithmName.SHA256, secret, 32, salt: [.. SHA256.HashData(request), .. SHA256.HashData(challenge)],
        info: [.. "quorate peer frames 1"u8]));
}
