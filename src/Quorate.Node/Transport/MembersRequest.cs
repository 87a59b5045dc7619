using System.Buffers.Binary;
using System.Security.Cryptography;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The request for the members of the cluster: a handshake of a node that is no member yet, and its answer.</summary>
/// <remarks>
/// <code>
///   node that joins                                   member
///      ── request with the feature MembersFeature ──►   validates: version, secret
///      ◄─────────────────────────────────── response ── accepted; or rejected with a reason, then it closes
///      ◄───────────────────────────────────── answer ── then it closes
///
///   answer, little-endian
///      0   4  bytes of the whole answer
///      4   8  index of the configuration
///     12   n  the configuration, see ConfigurationCodec
///         32  with a secret: proof of the member, over the request, the response and the answer
///          4  crc32c over everything before
/// </code>
/// In the request, the ids of cluster, nodes and directory are 0. With a secret, it is the request of a node with a secret. The answer is
/// not secret: it is authenticated, and not encrypted.
/// </remarks>
internal static class MembersRequest
{
    private const int HeaderBytes = 12;
    private const int ChecksumBytes = 4;

    /// <summary>The longest answer: the most members, each with the longest texts.</summary>
    private const int AnswerBytesMax = Configuration.MembersMax * (Member.TextBytesMax + 64) + 1024;

    private static ReadOnlySpan<byte> AnswerLabel => "quorate members"u8;

    /// <summary>Sends the request, and returns the answer.</summary>
    /// <exception cref="WireFormatException">The bytes are not an answer, or not that of a node with the secret.</exception>
    /// <exception cref="HandshakeRejectedException">The member has rejected the request.</exception>
    /// <exception cref="EndOfStreamException">The member closed the connection before the answer was complete.</exception>
    public static async Task<ClusterMembers> RunAsync(Stream stream, PeerSecret? secret, CancellationToken cancellation)
    {
        var key = secret?.Keys[0];
        var request = Write(key);
        await stream.WriteAsync(request, cancellation).ConfigureAwait(false);
        var responseBytes = await Handshake.ReadResponseBytesAsync(stream, cancellation).ConfigureAwait(false);
        var response = Handshake.ParseResponse(responseBytes);
        if (response.Rejection != HandshakeRejection.None)
            throw new HandshakeRejectedException(Describe(response.Rejection, hasSecret: key is not null));

        var prefix = new byte[sizeof(uint)];
        await stream.ReadExactlyAsync(prefix, cancellation).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(prefix);
        if (length < HeaderBytes + ChecksumBytes || length > AnswerBytesMax)
            throw new WireFormatException($"a list of members of {length} bytes is invalid");
        var answer = new byte[length];
        prefix.CopyTo(answer, 0);
        await stream.ReadExactlyAsync(answer.AsMemory(prefix.Length), cancellation).ConfigureAwait(false);
        return new ClusterMembers(response.ClusterId, response.From, Parse(answer, key, request, responseBytes));
    }

    /// <summary>Writes the answer of a member.</summary>
    public static byte[] WriteAnswer(ConfigurationAt configuration, PeerKey? key, byte[] request, byte[] response)
    {
        var size = ConfigurationCodec.SizeOf(configuration.Configuration);
        var bytes = new byte[HeaderBytes + size + (key is null ? 0 : PeerKey.ProofBytes) + ChecksumBytes];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(4), configuration.Index.Value);
        ConfigurationCodec.Encode(configuration.Configuration).CopyTo(bytes, HeaderBytes);
        if (key is not null)
            key.Seal(bytes, AnswerLabel, request, response);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^ChecksumBytes..), Crc32C.Of(bytes.AsSpan(..^ChecksumBytes)));
        return bytes;
    }

    private static byte[] Write(PeerKey? key)
    {
        var request = new HandshakeRequest(
            Handshake.VersionMin, Handshake.VersionMax, ClusterId: 0, NodeId.None, NodeId.None,
            Handshake.MembersFeature | (key is null ? 0 : Handshake.PeerSecretFeature), MemberVersion: ClusterVersion.Current);
        return key is null
            ? Handshake.Write(request)
            : Handshake.WriteSealed(request, key, RandomNumberGenerator.GetBytes(PeerKey.NonceBytes));
    }

    private static ConfigurationAt Parse(byte[] answer, PeerKey? key, byte[] request, byte[] response)
    {
        var proofBytes = key is null ? 0 : PeerKey.ProofBytes;
        if (answer.Length < HeaderBytes + proofBytes + ChecksumBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(^ChecksumBytes..)) != Crc32C.Of(answer.AsSpan(..^ChecksumBytes)))
            throw new WireFormatException("the checksum of a list of members does not match");
        if (key is not null && !key.Verify(answer, AnswerLabel, request, response))
            throw new WireFormatException("the list of members was not sent by a node that knows the peer secret");
        var bytes = answer.AsSpan(HeaderBytes..^(proofBytes + ChecksumBytes));
        return ConfigurationCodec.TryDecode(bytes, out var configuration, out var fault, out _)
            ? new ConfigurationAt(new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(answer.AsSpan(4))), configuration)
            : throw new WireFormatException($"the list of members cannot be decoded: {fault}");
    }

    private static string Describe(HandshakeRejection rejection, bool hasSecret) => rejection switch
    {
        HandshakeRejection.WrongCluster => "it runs a version in which members cannot be added; upgrade it",
        HandshakeRejection.WrongVersion => "it supports none of the protocol versions of this node; upgrade the older of the two",
        HandshakeRejection.UnknownPeer => "it has not joined the cluster itself yet",
        HandshakeRejection.SecretMissing => hasSecret
            ? "this node has a peer secret, and that one has none"
            : "the cluster has a peer secret, and this node has none",
        HandshakeRejection.WrongSecret => "the two do not share a key of the peer secret",
        HandshakeRejection.TooManyHandshakes => "too many nodes request the members at the same time",
        _ => $"reason {(ushort)rejection}",
    };
}
