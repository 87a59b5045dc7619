using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using CsCheck;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>docs/formats/wire.md, frame by frame.</summary>
public sealed class WireFormatTests
{
    private static readonly string[] Separators = [" "];

    [Fact]
    public void An_encoded_message_decodes_to_the_same_message()
    {
        var decoder = new WireDecoder(); // shared, so that state leaking from one message to the next is detected
        TestMessages.AnyMessage.Sample(
            message => TestMessages.Show(TestMessages.Decode(TestMessages.Encode(message), decoder)) == TestMessages.Show(message),
            iter: TestEffort.Of(2000), threads: 1);
    }

    [Fact]
    public void The_bytes_of_version_2_never_change()
    {
        var golden = Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v2.txt");
        var text =
            new StringBuilder("# Protocol version 2, one frame of each shape: its content, then its bytes. Released bytes never change.\n");
        void Append(string content, ReadOnlySpan<byte> bytes) =>
            text.Append(content).Append('\n').Append(Convert.ToHexStringLower(bytes)).Append('\n');
        foreach (var message in TestMessages.OneOfEach().Where(static m => !IsAddedByVersion3(m)))
            Append(TestMessages.Show(message), TestMessages.Encode(message));
        Append("handshake request", Handshake.Write(new HandshakeRequest(1, 2, 0x0304, new NodeId(5), new NodeId(6), 7)));
        Append("handshake response", Handshake.Write(new HandshakeResponse(HandshakeRejection.UnknownPeer, 1, 2, new NodeId(3), 4)));

        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllText(golden, text.ToString());
        Assert.Equal(File.ReadAllText(golden), text.ToString());
    }

    /// <summary>A node of version 2 ignores a flag that it does not know, so messages with one are sent to it too.</summary>
    private static bool IsAddedByVersion3(Message message) => !ProtocolVersion.Knows(2, message)
        || message is AppendEntries { QuorumIsShortOfSpace: true } or AppendEntriesReply { IsShortOfSpace: true }
            or AppendEntries { LeaseMilliseconds: > 0 } or AppendEntriesReply { LeaseStamp: > 0 }
            or AppendEntriesReply { CannotWrite: true } or AppendEntriesReply { IsRepairing: true };

    [Fact]
    public void The_bytes_that_version_3_has_added_never_change()
    {
        var golden = Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v3.txt");
        var text = new StringBuilder("# What protocol version 3 has added to version 2. Released bytes never change.\n");
        void Append(string content, ReadOnlySpan<byte> bytes) =>
            text.Append(content).Append('\n').Append(Convert.ToHexStringLower(bytes)).Append('\n');
        foreach (var message in TestMessages.OneOfEach().Where(IsAddedByVersion3))
            Append(TestMessages.Show(message), TestMessages.Encode(message));
        var version = new ClusterVersion(0x21, 0x22);
        Append("handshake request", Handshake.Write(
            new HandshakeRequest(2, 3, 0x0304, new NodeId(5), new NodeId(6), 7, 8, version)));
        Append("handshake response", Handshake.Write(
            new HandshakeResponse(HandshakeRejection.None, 3, 2, new NodeId(3), 4, 5, version)));

        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllText(golden, text.ToString());
        Assert.Equal(File.ReadAllText(golden), text.ToString());
    }

    /// <summary>The same bytes with the field that is zero in the other golden file.</summary>
    [Fact]
    public void The_bytes_of_a_handshake_with_directory_ids_never_change()
    {
        var golden = Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v2-directory-ids.txt");
        const ulong DirectoryId = 0x0807_0605_0403_0201;
        var request = new HandshakeRequest(1, 2, 0x0304, new NodeId(5), new NodeId(6), 7, DirectoryId);
        var response = new HandshakeResponse(HandshakeRejection.DataDirectoryChanged, 1, 2, new NodeId(3), 4, DirectoryId);
        var text = $"""
            # Protocol version 2: handshake of a node that sends the id of its data directory. Released bytes never change.
            handshake request
            {Convert.ToHexStringLower(Handshake.Write(request))}
            handshake response
            {Convert.ToHexStringLower(Handshake.Write(response))}

            """;

        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllText(golden, text);
        Assert.Equal(File.ReadAllText(golden), text);
    }

    /// <summary>The nonces are drawn at random in each handshake; here they are given.</summary>
    [Fact]
    public void The_bytes_of_a_connection_with_a_secret_never_change()
    {
        var golden = Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v2-secret.txt");
        var key = new PeerKey(Encoding.ASCII.GetBytes("a key for the golden file, 32 bytes or more"));
        var (nonceOfDialer, nonceOfListener) = (new byte[32], new byte[32]);
        nonceOfDialer.AsSpan().Fill(0x11);
        nonceOfListener.AsSpan().Fill(0x22);
        var response = new HandshakeResponse(HandshakeRejection.None, 2, 3, new NodeId(5), Handshake.PeerSecretFeature);
        var request = Handshake.WriteSealed(
            new HandshakeRequest(2, 2, 3, new NodeId(4), new NodeId(5), Handshake.PeerSecretFeature, 6), key, nonceOfDialer);
        var challenge = Handshake.WriteChallenge(response, key, request, nonceOfListener);
        var frame = TestMessages.Encode(new ReadIndexRequest { From = new NodeId(4), To = new NodeId(5), ReadId = 7 });
        using var authenticator = key.DeriveFrameKey(request, challenge);
        string NextCode()
        {
            var code = new byte[FrameAuthenticator.MacBytes];
            authenticator.Sign(frame, code);
            return Convert.ToHexStringLower(code);
        }

        var text = $"""
            # Protocol version 2 with a peer secret: handshake, a frame, its codes as first and second frame. Released bytes never change.
            request
            {Convert.ToHexStringLower(request)}
            challenge
            {Convert.ToHexStringLower(challenge)}
            confirmation
            {Convert.ToHexStringLower(Handshake.WriteConfirmation(key, request, challenge))}
            verdict
            {Convert.ToHexStringLower(Handshake.WriteVerdict(response with { DirectoryId = 8 }, key, request, challenge))}
            frame
            {Convert.ToHexStringLower(frame)}
            codes
            {NextCode()}
            {NextCode()}

            """;

        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllText(golden, text);
        Assert.Equal(File.ReadAllText(golden), text);
    }

    [Fact]
    public void The_golden_frames_are_still_understood()
    {
        foreach (var name in new[] { "wire-v2.txt", "wire-v3.txt" })
        {
            var lines = File.ReadAllLines(Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", name));
            for (var i = 1; i + 1 < lines.Length && lines[i] != "handshake request"; i += 2)
                Assert.Equal(lines[i], TestMessages.Show(TestMessages.Decode(Convert.FromHexString(lines[i + 1]))));
        }
    }

    [Fact]
    public void A_frame_carries_the_id_of_its_group()
    {
        var frame = TestMessages.Encode(TestMessages.OneOfEach().First(), new GroupId(0x0102030405060708));
        Assert.Equal(new GroupId(0x0102030405060708), WireFrame.ReadHeader(frame, TestMessages.MaxFrameBytes).Group);
        Assert.Equal([8, 7, 6, 5, 4, 3, 2, 1], frame[8..16]);
    }

    [Fact]
    public void A_frame_that_names_no_group_is_rejected()
    {
        var frame = TestMessages.Encode(TestMessages.OneOfEach().First(), GroupId.None);
        var fault = Assert.Throws<WireFormatException>(() => WireFrame.ReadHeader(frame, TestMessages.MaxFrameBytes));
        Assert.Contains("no group", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_frame_is_rejected()
    {
        foreach (var message in TestMessages.OneOfEach())
        {
            var frame = TestMessages.Encode(message);
            for (var length = 0; length < frame.Length; length++)
                Assert.Throws<WireFormatException>(() => TestMessages.Decode(frame[..length]));
        }
    }

    [Fact]
    public void A_frame_with_any_bit_flipped_is_rejected()
    {
        foreach (var message in TestMessages.OneOfEach())
        {
            var frame = TestMessages.Encode(message);
            for (var bit = 0; bit < frame.Length * 8; bit++)
            {
                var flipped = (byte[])frame.Clone();
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Throws<WireFormatException>(() => TestMessages.Decode(flipped));
            }
        }
    }

    /// <summary>A faulty peer computes correct checksums over wrong bodies. TOB-ETCD-006: check bounds before slicing.</summary>
    [Fact]
    public void A_truncated_body_with_valid_checksums_is_rejected()
    {
        foreach (var message in TestMessages.OneOfEach())
        {
            var frame = TestMessages.Encode(message);
            for (var length = 0; length < frame.Length - WireFrame.HeaderBytes - LeaseBytes(message); length++)
            {
                var cut = TestMessages.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes, length));
                Assert.Throws<WireFormatException>(() => TestMessages.Decode(cut));
            }
        }
    }

    /// <summary>The bytes of a lease follow a body that is complete without them.</summary>
    private static int LeaseBytes(Message message) => message switch
    {
        AppendEntries { LeaseMilliseconds: > 0 } => WireEncoder.LeaseRequestBytes,
        AppendEntriesReply { LeaseStamp: > 0 } => WireEncoder.LeaseGrantBytes,
        _ => 0,
    };

    [Fact]
    public void A_lease_that_is_cut_short_is_skipped()
    {
        foreach (var message in TestMessages.OneOfEach().Where(static message => LeaseBytes(message) > 0))
        {
            var frame = TestMessages.Encode(message);
            var without = frame.AsSpan(WireFrame.HeaderBytes, frame.Length - WireFrame.HeaderBytes - LeaseBytes(message));
            for (var more = 0; more < LeaseBytes(message); more++)
            {
                var cut = TestMessages.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes, without.Length + more));
                var decoded = TestMessages.Decode(cut)!;
                Assert.Equal(0, LeaseBytes(decoded));
                Assert.Equal(without, TestMessages.Encode(decoded).AsSpan(WireFrame.HeaderBytes));
            }
        }
    }

    [Fact]
    public void Arbitrary_body_bytes_decode_or_throw_WireFormatException() =>
        Gen.Select(Gen.Byte, Gen.Byte.Array[0, 300]).Sample(
            (kind, body) =>
            {
                var frame = new byte[WireFrame.HeaderBytes];
                frame[4] = kind;
                return Decodes(TestMessages.Reseal(frame, body));
            },
            iter: TestEffort.Of(20_000));

    [Fact]
    public void A_changed_body_byte_decodes_or_throws_WireFormatException() =>
        Gen.Select(TestMessages.AnyMessage, Gen.Int[0, int.MaxValue], Gen.Byte).Sample(
            (message, place, value) =>
            {
                var frame = TestMessages.Encode(message);
                frame[WireFrame.HeaderBytes + (place % (frame.Length - WireFrame.HeaderBytes))] = value;
                return Decodes(TestMessages.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes)));
            },
            iter: TestEffort.Of(20_000));

    /// <summary>N and N-1 run in one cluster: bytes that a later version appends are ignored.</summary>
    [Fact]
    public void Bytes_after_a_known_body_are_ignored()
    {
        foreach (var message in TestMessages.OneOfEach())
        {
            var frame = TestMessages.Encode(message);
            var longer = TestMessages.Reseal(frame, [.. frame[WireFrame.HeaderBytes..], 1, 2, 3, 4, 5]);
            Assert.Equal(TestMessages.Show(message), TestMessages.Show(TestMessages.Decode(longer)));
        }
    }

    [Fact]
    public void A_longer_entry_header_of_a_later_version_is_understood()
    {
        var entries = (AppendEntries)TestMessages.OneOfEach().ElementAt(1);
        var body = TestMessages.Encode(entries).AsSpan(WireFrame.HeaderBytes);
        var longer = new List<byte>(body[..WireEncoder.AppendEntriesFixedBytes].ToArray());
        BinaryPrimitives.WriteUInt16LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(longer)[60..],
            WireEncoder.EntryHeaderBytes + 8);
        for (var i = 0; i < entries.Entries.Length; i++)
        {
            longer.AddRange(
                body.Slice(WireEncoder.AppendEntriesFixedBytes + (i * WireEncoder.EntryHeaderBytes), WireEncoder.EntryHeaderBytes));
            longer.AddRange("later!!!"u8);
        }

        longer.AddRange(body[(WireEncoder.AppendEntriesFixedBytes + (entries.Entries.Length * WireEncoder.EntryHeaderBytes))..]);
        var frame = TestMessages.Reseal(TestMessages.Encode(entries), longer.ToArray());
        Assert.Equal(TestMessages.Show(entries), TestMessages.Show(TestMessages.Decode(frame)));
    }

    [Fact]
    public void A_frame_kind_of_a_later_version_is_skipped()
    {
        var frame = new byte[WireFrame.HeaderBytes];
        frame[4] = 200;
        Assert.Null(TestMessages.Decode(TestMessages.Reseal(frame, "who knows"u8)));
    }

    [Fact]
    public void A_rejection_reason_of_a_later_version_decodes_as_NoLeader()
    {
        var frame = TestMessages.Encode(new RejectProposals { FirstSequence = 1, LastSequence = 2, Reason = RejectReason.Busy });
        frame[WireFrame.HeaderBytes + 40] = 250;
        var read = Assert.IsType<RejectProposals>(TestMessages.Decode(TestMessages.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes))));
        Assert.Equal(RejectReason.NoLeader, read.Reason);
    }

    [Fact]
    public void A_frame_above_the_limit_is_rejected_before_its_body_is_read()
    {
        var frame = new byte[TestMessages.MaxFrameBytes + 1];
        WireFrame.Seal(frame, WireFrameKind.AppendEntries, GroupId.First);
        Assert.Throws<WireFormatException>(() => WireFrame.ReadHeader(frame.AsSpan(0, WireFrame.HeaderBytes), TestMessages.MaxFrameBytes));
        Assert.Equal(TestMessages.MaxFrameBytes + 1 - WireFrame.HeaderBytes,
            WireFrame.ReadHeader(frame, TestMessages.MaxFrameBytes + 1).BodyBytes);
    }

    [Fact]
    public void A_count_larger_than_the_body_allocates_nothing()
    {
        var frame = TestMessages.Encode(TestMessages.OneOfEach().First());
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(WireFrame.HeaderBytes + 56), 400_000_000);
        var lying = TestMessages.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes));
        var decoder = new WireDecoder();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<WireFormatException>(() => TestMessages.Decode(lying, decoder));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void An_entry_with_a_wrong_index_is_never_encoded()
    {
        var message = new AppendEntries { Entries = new[] { LogEntry.NoOp(new Term(1), new LogIndex(7)) } };
        Assert.Throws<InvariantViolationException>(() => TestMessages.Encode(message));
    }

    [Theory]
    [InlineData("a:1", "a", 1)]
    [InlineData("10.0.0.5:2380", "10.0.0.5", 2380)]
    [InlineData("[::1]:65535", "::1", 65535)]
    public void A_peer_address_round_trips_through_text(string text, string host, int port)
    {
        Assert.Equal(new PeerAddress(host, port), PeerAddress.Parse(text));
        Assert.Equal(text, PeerAddress.Parse(text).ToString());
    }

    [Fact]
    public void An_invalid_peer_address_is_rejected_with_an_example()
    {
        foreach (var text in "x :1 a: a:65536 a:-1 ::1:5 []:5 [a]:5".Split(Separators, StringSplitOptions.None))
            Assert.Contains("host:port", Assert.Throws<FormatException>(() => PeerAddress.Parse(text)).Message, StringComparison.Ordinal);
    }

    private static bool Decodes(byte[] frame)
    {
        try
        {
            TestMessages.Show(TestMessages.Decode(frame));
        }
        catch (WireFormatException)
        {
            // Rejected with the documented exception.
        }

        return true;
    }

    private static string Here([CallerFilePath] string here = "") => here;
}
