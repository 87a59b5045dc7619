using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The handshake on a new connection, before the first frame. The dialer sends first. All integers are little-endian.</summary>
/// <remarks><code>
///   request, dialer to listener                   response, listener to dialer
///    0  8  magic "Quorate\n"                       0  8  magic "Quorate\n"
///    8  2  bytes of the whole request, 60 here     8  2  bytes of the whole response, 52 here
///   10  2  oldest supported protocol version      10  2  rejection, see HandshakeRejection; 0 accepts
///   12  2  newest supported protocol version      12  2  protocol version chosen; 0 when rejected
///   14  2  version of the dialer's member         14  2  version of the listener's member
///   16  8  cluster id                             16  8  cluster id
///   24  8  node id of the dialer                  24  8  node id of the listener
///   32  8  node id that the dialer wants          32  8  features of the listener, a bit each
///   40  8  features of the dialer, a bit each     40  8  directory id of the listener
///   48  8  directory id of the dialer             48  4  crc32c over bytes 0 .. 48
///   56  4  crc32c over bytes 0 .. 56
/// </code>
/// With a <see cref="PeerSecret"/>, the feature <see cref="PeerSecretFeature"/> is set in all messages, and there are four:
/// <code>
///   request       the request, 124 bytes: 56  32 nonce   88  32 proof   120  4 checksum
///   challenge     a response without directory id, 116 bytes: 48  32 nonce   80  32 proof   112  4 checksum
///   confirmation  32 bytes: proof of the dialer, over the request and the challenge
///   verdict       a response, 84 bytes: 48  32 proof   80  4 checksum
/// </code>
/// A rejection before the challenge is a response without a proof.
/// A request with the feature <see cref="MembersFeature"/> is that of a node that wants to join (<see cref="MembersRequest"/>).
/// The version of a member is the highest version of the cluster that it supports: 256 times the major version plus the minor one; 0 from
/// a build of version 0.1, which writes zero and ignores the bytes. The protocol version of the connection is the newest that both speak.
/// The directory id (<see cref="Raft.DirectoryId"/>) is 0 if a node has none.
/// A later version may make either message longer: the checksum stays in its last four bytes, and this version skips the bytes before it.
/// </remarks>
internal static class Handshake
{
    /// <summary>The oldest protocol version that this build speaks; a cluster may require a later one (<see cref="OldestFor"/>).</summary>
    public const ushort VersionMin = 2;

    /// <summary>The newest protocol version that this build speaks.</summary>
    public const ushort VersionMax = 3;

    public const int RequestBytes = 60;
    public const int ResponseBytes = 52;

    /// <summary>The magic and the length, with which either message begins.</summary>
    public const int PrefixBytes = 10;

    /// <summary>
    /// The longest request or response that any future version may send: it bounds the memory that an unknown sender can make this node
    /// allocate.
    /// </summary>
    private const int BytesMax = 1024;

    /// <summary>The feature bit of a node with a <see cref="PeerSecret"/>.</summary>
    public const ulong PeerSecretFeature = 1;

    /// <summary>The feature bit of a request for the members of the cluster, see <see cref="MembersRequest"/>.</summary>
    public const ulong MembersFeature = 2;

    private const int ChecksumBytes = 4;

    /// <summary>
    /// The oldest protocol version that a member of this cluster accepts. From 0.2 on, members may send what version 2 does not have, and a
    /// build that does not know it must not take part.
    /// </summary>
    public static ushort OldestFor(ClusterVersion cluster) => cluster >= new ClusterVersion(0, 2) ? (ushort)3 : VersionMin;

    /// <summary>Returns the protocol version of a connection, the newest that both sides speak; 0 if there is none.</summary>
    public static ushort Negotiate(ushort oldest, in HandshakeRequest request)
    {
        var newest = Math.Min(request.VersionMax, VersionMax);
        return newest >= oldest && newest >= request.VersionMin ? newest : (ushort)0;
    }

    private static ReadOnlySpan<byte> Magic => "Quorate\n"u8;

    private const int NonceInRequestAt = 56;
    private const int NonceInResponseAt = 48;
    private const int SealedRequestBytes = RequestBytes + PeerKey.NonceBytes + PeerKey.ProofBytes;
    private const int ChallengeBytes = ResponseBytes + PeerKey.NonceBytes + PeerKey.ProofBytes;
    private const int VerdictBytes = ResponseBytes + PeerKey.ProofBytes;

    private static ReadOnlySpan<byte> RequestLabel => "quorate request"u8;

    private static ReadOnlySpan<byte> ChallengeLabel => "quorate challenge"u8;

    private static ReadOnlySpan<byte> ConfirmationLabel => "quorate confirmation"u8;

    private static ReadOnlySpan<byte> VerdictLabel => "quorate verdict"u8;

    /// <summary>Writes the request of a node with a secret.</summary>
    public static byte[] WriteSealed(in HandshakeRequest request, PeerKey key, ReadOnlySpan<byte> nonce)
    {
        var bytes = Write(request, SealedRequestBytes);
        nonce.CopyTo(bytes.AsSpan(NonceInRequestAt));
        key.Seal(bytes, RequestLabel);
        return bytes;
    }

    /// <summary>Whether a request, in full, was written with this key.</summary>
    public static bool VerifyRequest(byte[] request, PeerKey key) =>
        request.Length >= SealedRequestBytes && key.Verify(request, RequestLabel);

    /// <summary>Writes the challenge of a listener with a secret.</summary>
    public static byte[] WriteChallenge(in HandshakeResponse response, PeerKey key, byte[] request, ReadOnlySpan<byte> nonce)
    {
        var bytes = Write(response, ChallengeBytes);
        nonce.CopyTo(bytes.AsSpan(NonceInResponseAt));
        key.Seal(bytes, ChallengeLabel, request);
        return bytes;
    }

    public static bool VerifyChallenge(byte[] challenge, PeerKey key, byte[] request) =>
        challenge.Length >= ChallengeBytes && key.Verify(challenge, ChallengeLabel, request);

    /// <summary>Computes the confirmation: only a dialer that knows the key can send it in reply to this challenge.</summary>
    public static byte[] WriteConfirmation(PeerKey key, byte[] request, byte[] challenge) =>
        key.Prove([], ConfirmationLabel, request, challenge);

    /// <summary>Writes the verdict, with which the listener ends the handshake.</summary>
    public static byte[] WriteVerdict(in HandshakeResponse response, PeerKey key, byte[] request, byte[] challenge)
    {
        var bytes = Write(response, VerdictBytes);
        key.Seal(bytes, VerdictLabel, request, challenge);
        return bytes;
    }

    public static bool VerifyVerdict(byte[] verdict, PeerKey key, byte[] request, byte[] challenge) =>
        verdict.Length >= VerdictBytes && key.Verify(verdict, VerdictLabel, request, challenge);

    public static byte[] Write(in HandshakeRequest request) => Write(request, RequestBytes);

    public static byte[] Write(in HandshakeResponse response) => Write(response, ResponseBytes);

    private static byte[] Write(in HandshakeRequest request, int length)
    {
        var bytes = new byte[length];
        var writer = new WireWriter(bytes);
        writer.Bytes(Magic);
        writer.UInt16((ushort)length);
        writer.UInt16(request.VersionMin);
        writer.UInt16(request.VersionMax);
        writer.UInt16(Encode(request.MemberVersion));
        writer.UInt64(request.ClusterId);
        writer.UInt64(request.From.Value);
        writer.UInt64(request.To.Value);
        writer.UInt64(request.Features);
        writer.UInt64(request.DirectoryId);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^ChecksumBytes..), Crc32C.Of(bytes.AsSpan(..^ChecksumBytes)));
        return bytes;
    }

    private static byte[] Write(in HandshakeResponse response, int length)
    {
        var bytes = new byte[length];
        var writer = new WireWriter(bytes);
        writer.Bytes(Magic);
        writer.UInt16((ushort)length);
        writer.UInt16((ushort)response.Rejection);
        writer.UInt16(response.Version);
        writer.UInt16(Encode(response.MemberVersion));
        writer.UInt64(response.ClusterId);
        writer.UInt64(response.From.Value);
        writer.UInt64(response.Features);
        writer.UInt64(response.DirectoryId);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^ChecksumBytes..), Crc32C.Of(bytes.AsSpan(..^ChecksumBytes)));
        return bytes;
    }

    /// <summary>Reads a handshake request.</summary>
    /// <exception cref="WireFormatException">The bytes are not a handshake request.</exception>
    /// <exception cref="EndOfStreamException">The peer closed the connection before the request was complete.</exception>
    public static HandshakeRequest ReadRequest(Stream stream)
    {
        var prefix = new byte[PrefixBytes];
        stream.ReadExactly(prefix);
        var bytes = ParseRequestPrefix(prefix);
        stream.ReadExactly(bytes.AsSpan(PrefixBytes));
        return ParseRequest(bytes);
    }

    /// <summary>Returns an array for the whole request, with its first <see cref="PrefixBytes"/> bytes in place.</summary>
    /// <exception cref="WireFormatException">The bytes are not the beginning of a handshake request.</exception>
    public static byte[] ParseRequestPrefix(ReadOnlySpan<byte> prefix) => ParsePrefix(prefix, RequestBytes);

    /// <summary>Parses a request that has arrived in full.</summary>
    /// <exception cref="WireFormatException">The bytes are not a handshake request.</exception>
    public static HandshakeRequest ParseRequest(ReadOnlySpan<byte> bytes)
    {
        Check(bytes);
        var reader = new WireReader(bytes);
        reader.Skip(PrefixBytes);
        var (versionMin, versionMax, memberVersion) = (reader.UInt16(), reader.UInt16(), Decode(reader.UInt16()));
        return new HandshakeRequest(
            versionMin, versionMax, reader.UInt64(), new NodeId(reader.UInt64()), new NodeId(reader.UInt64()),
            reader.UInt64(), reader.UInt64(), memberVersion);
    }

    /// <summary>Reads a handshake response.</summary>
    /// <exception cref="WireFormatException">The bytes are not a handshake response.</exception>
    /// <exception cref="EndOfStreamException">The peer closed the connection before the response was complete.</exception>
    public static async ValueTask<HandshakeResponse> ReadResponseAsync(Stream stream, CancellationToken cancellation)
    {
        return ParseResponse(await ReadResponseBytesAsync(stream, cancellation).ConfigureAwait(false));
    }

    /// <summary>Reads a response of any length, and verifies its checksum.</summary>
    /// <exception cref="WireFormatException">The bytes are not a handshake response.</exception>
    /// <exception cref="EndOfStreamException">The peer closed the connection before the response was complete.</exception>
    public static async Task<byte[]> ReadResponseBytesAsync(Stream stream, CancellationToken cancellation)
    {
        var prefix = new byte[PrefixBytes];
        await stream.ReadExactlyAsync(prefix, cancellation).ConfigureAwait(false);
        var bytes = ParsePrefix(prefix, ResponseBytes);
        await stream.ReadExactlyAsync(bytes.AsMemory(PrefixBytes), cancellation).ConfigureAwait(false);
        Check(bytes);
        return bytes;
    }

    public static HandshakeResponse ParseResponse(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        reader.Skip(PrefixBytes);
        var (rejection, version, memberVersion) = ((HandshakeRejection)reader.UInt16(), reader.UInt16(), Decode(reader.UInt16()));
        return new HandshakeResponse(
            rejection, version, reader.UInt64(), new NodeId(reader.UInt64()), reader.UInt64(), reader.UInt64(), memberVersion);
    }

    private static ushort Encode(ClusterVersion version) =>
        version == default ? (ushort)0 : checked((ushort)((version.Major << 8) + checked((byte)version.Minor)));

    private static ClusterVersion Decode(ushort version) =>
        version == 0 ? ClusterVersion.Oldest : new ClusterVersion((ushort)(version >> 8), (ushort)(version & 0xFF));

    /// <summary>Verifies the magic and the length first: a client that speaks HTTP is rejected at its first ten bytes.</summary>
    private static byte[] ParsePrefix(ReadOnlySpan<byte> prefix, int bytesMin)
    {
        if (!prefix.StartsWith(Magic))
            throw new WireFormatException("the bytes do not begin like the handshake of a Quorate node");
        var length = BinaryPrimitives.ReadUInt16LittleEndian(prefix[Magic.Length..]);
        if (length < bytesMin || length > BytesMax)
            throw new WireFormatException($"a handshake of {length} bytes is invalid; it has {bytesMin} to {BytesMax}");

        var bytes = new byte[length];
        prefix.CopyTo(bytes);
        return bytes;
    }

    private static void Check(ReadOnlySpan<byte> bytes)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..]) != Crc32C.Of(bytes[..^ChecksumBytes]))
            throw new WireFormatException("the checksum of a handshake does not match");
    }
}

/// <summary>
/// The handshake request from dialer to listener: cluster, sender, intended receiver, protocol versions, directory id (0 if not sent), and
/// the version of the member.
/// </summary>
internal readonly record struct HandshakeRequest(
    ushort VersionMin, ushort VersionMax, ulong ClusterId, NodeId From, NodeId To, ulong Features, ulong DirectoryId = 0,
    ClusterVersion MemberVersion = default);

/// <summary>The handshake response from listener to dialer: acceptance, or the reason of the rejection.</summary>
internal readonly record struct HandshakeResponse(
    HandshakeRejection Rejection, ushort Version, ulong ClusterId, NodeId From, ulong Features, ulong DirectoryId = 0,
    ClusterVersion MemberVersion = default);
