using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using CsCheck;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>docs/formats/wire.md, frame by frame.</summary>
public sealed class WireFormatTests
{
    private static readonly string[] Separators = [" "];

    [Fact]
    public void What_is_encoded_is_decoded()
    {
        var decoder = new WireDecoder(); // one for all, so that nothing of a message shows through in the next
        Wire.AnyMessage.Sample(message => Wire.Show(Wire.Decode(Wire.Encode(message), decoder)) == Wire.Show(message), iter: 2000, threads: 1);
    }

    [Fact]
    public void The_bytes_of_version_1_never_change()
    {
        var golden = Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v1.txt");
        var text = new StringBuilder("# Protocol version 1, one frame of each shape: what it says, then its bytes. Released bytes never change.\n");
        foreach (var message in Wire.OneOfEach())
            text.Append(Wire.Show(message)).Append('\n').Append(Convert.ToHexStringLower(Wire.Encode(message))).Append('\n');
        text.Append("hello\n").Append(Convert.ToHexStringLower(Handshake.Write(new Hello(1, 2, 0x0304, new NodeId(5), new NodeId(6), 7)))).Append('\n');
        text.Append("answer\n").Append(Convert.ToHexStringLower(Handshake.Write(new Answer(HandshakeRefusal.UnknownPeer, 1, 2, new NodeId(3), 4)))).Append('\n');

        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllText(golden, text.ToString());
        Assert.Equal(File.ReadAllText(golden), text.ToString());
    }

    /// <summary>The same bytes with what was zero before: version 1 grew a field.</summary>
    [Fact]
    public void The_bytes_of_a_handshake_with_incarnations_never_change()
    {
        var golden = Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v1-incarnations.txt");
        var text = "# Protocol version 1: hello and answer of a node that says the incarnation of its folder. Released bytes never change.\nhello\n"
            + Convert.ToHexStringLower(Handshake.Write(new Hello(1, 2, 0x0304, new NodeId(5), new NodeId(6), 7, 0x0807_0605_0403_0201))) + "\nanswer\n"
            + Convert.ToHexStringLower(Handshake.Write(new Answer(HandshakeRefusal.AnotherFolder, 1, 2, new NodeId(3), 4, 0x0807_0605_0403_0201))) + "\n";

        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllText(golden, text);
        Assert.Equal(File.ReadAllText(golden), text);
    }

    [Fact]
    public void The_golden_frames_are_still_understood()
    {
        var lines = File.ReadAllLines(Path.Combine(Path.GetDirectoryName(Here())!, "..", "Golden", "wire-v1.txt"));
        for (var i = 1; i + 1 < lines.Length && lines[i] != "hello"; i += 2)
            Assert.Equal(lines[i], Wire.Show(Wire.Decode(Convert.FromHexString(lines[i + 1]))));
    }

    [Fact]
    public void A_frame_cut_anywhere_is_refused()
    {
        foreach (var message in Wire.OneOfEach())
        {
            var frame = Wire.Encode(message);
            for (var length = 0; length < frame.Length; length++)
                Assert.Throws<WireFormatException>(() => Wire.Decode(frame[..length]));
        }
    }

    [Fact]
    public void A_frame_with_any_bit_flipped_is_refused()
    {
        foreach (var message in Wire.OneOfEach())
        {
            var frame = Wire.Encode(message);
            for (var bit = 0; bit < frame.Length * 8; bit++)
            {
                var flipped = (byte[])frame.Clone();
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Throws<WireFormatException>(() => Wire.Decode(flipped));
            }
        }
    }

    /// <summary>A faulty peer computes right checksums over wrong bodies. TOB-ETCD-006: bounds before slices.</summary>
    [Fact]
    public void A_body_cut_anywhere_is_refused_though_its_checksums_are_right()
    {
        foreach (var message in Wire.OneOfEach())
        {
            var frame = Wire.Encode(message);
            for (var length = 0; length < frame.Length - WireFrame.HeaderBytes; length++)
            {
                var cut = Wire.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes, length));
                Assert.Throws<WireFormatException>(() => Wire.Decode(cut));
            }
        }
    }

    [Fact]
    public void A_body_of_arbitrary_bytes_is_a_message_or_refused_and_nothing_else() =>
        Gen.Select(Gen.Byte, Gen.Byte.Array[0, 300]).Sample(
            (kind, body) =>
            {
                var frame = new byte[WireFrame.HeaderBytes];
                frame[4] = kind;
                return Understood(Wire.Reseal(frame, body));
            },
            iter: 20_000);

    [Fact]
    public void A_body_with_any_byte_changed_is_a_message_or_refused_and_nothing_else() =>
        Gen.Select(Wire.AnyMessage, Gen.Int[0, int.MaxValue], Gen.Byte).Sample(
            (message, place, value) =>
            {
                var frame = Wire.Encode(message);
                frame[WireFrame.HeaderBytes + (place % (frame.Length - WireFrame.HeaderBytes))] = value;
                return Understood(Wire.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes)));
            },
            iter: 20_000);

    /// <summary>N and N-1 run in one cluster: what a later version appends is passed over.</summary>
    [Fact]
    public void Bytes_behind_a_known_body_are_ignored()
    {
        foreach (var message in Wire.OneOfEach())
        {
            var frame = Wire.Encode(message);
            var longer = Wire.Reseal(frame, [.. frame[WireFrame.HeaderBytes..], 1, 2, 3, 4, 5]);
            Assert.Equal(Wire.Show(message), Wire.Show(Wire.Decode(longer)));
        }
    }

    [Fact]
    public void A_longer_entry_header_of_a_later_version_is_understood()
    {
        var entries = (AppendEntries)Wire.OneOfEach().ElementAt(1);
        var body = Wire.Encode(entries).AsSpan(WireFrame.HeaderBytes);
        var longer = new List<byte>(body[..WireEncoder.AppendEntriesFixedBytes].ToArray());
        BinaryPrimitives.WriteUInt16LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(longer)[60..], WireEncoder.EntryHeaderBytes + 8);
        for (var i = 0; i < entries.Entries.Length; i++)
        {
            longer.AddRange(body.Slice(WireEncoder.AppendEntriesFixedBytes + (i * WireEncoder.EntryHeaderBytes), WireEncoder.EntryHeaderBytes));
            longer.AddRange("later!!!"u8);
        }

        longer.AddRange(body[(WireEncoder.AppendEntriesFixedBytes + (entries.Entries.Length * WireEncoder.EntryHeaderBytes))..]);
        var frame = Wire.Reseal(Wire.Encode(entries), longer.ToArray());
        Assert.Equal(Wire.Show(entries), Wire.Show(Wire.Decode(frame)));
    }

    [Fact]
    public void A_kind_of_a_later_version_is_no_message_and_no_error()
    {
        var frame = new byte[WireFrame.HeaderBytes];
        frame[4] = 200;
        Assert.Null(Wire.Decode(Wire.Reseal(frame, "who knows"u8)));
    }

    [Fact]
    public void A_reason_of_a_later_version_still_says_try_again()
    {
        var frame = Wire.Encode(new RejectProposals { FirstSequence = 1, LastSequence = 2, Reason = RejectReason.Busy });
        frame[WireFrame.HeaderBytes + 40] = 250;
        var read = Assert.IsType<RejectProposals>(Wire.Decode(Wire.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes))));
        Assert.Equal(RejectReason.NoLeader, read.Reason);
    }

    [Fact]
    public void A_frame_larger_than_allowed_is_refused_before_its_body_is_awaited()
    {
        var frame = new byte[Wire.FrameBytesMax + 1];
        WireFrame.Seal(frame, WireKind.AppendEntries);
        Assert.Throws<WireFormatException>(() => WireFrame.ReadHeader(frame.AsSpan(0, WireFrame.HeaderBytes), Wire.FrameBytesMax));
        Assert.Equal(Wire.FrameBytesMax + 1 - WireFrame.HeaderBytes, WireFrame.ReadHeader(frame, Wire.FrameBytesMax + 1).BodyBytes);
    }

    [Fact]
    public void A_count_that_the_bytes_cannot_hold_allocates_nothing()
    {
        var frame = Wire.Encode(Wire.OneOfEach().First());
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(WireFrame.HeaderBytes + 56), 400_000_000);
        var lying = Wire.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes));
        var decoder = new WireDecoder();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<WireFormatException>(() => Wire.Decode(lying, decoder));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void An_entry_out_of_place_is_never_sent()
    {
        var message = new AppendEntries { Entries = new[] { LogEntry.NoOp(new Term(1), new LogIndex(7)) } };
        Assert.Throws<InvalidOperationException>(() => Wire.Encode(message));
    }

    [Theory]
    [InlineData("a:1", "a", 1)]
    [InlineData("10.0.0.5:2380", "10.0.0.5", 2380)]
    [InlineData("[::1]:65535", "::1", 65535)]
    public void An_address_is_read_and_written_alike(string text, string host, int port)
    {
        Assert.Equal(new PeerAddress(host, port), PeerAddress.Parse(text));
        Assert.Equal(text, PeerAddress.Parse(text).ToString());
    }

    [Fact]
    public void What_is_no_address_is_refused_with_an_example()
    {
        foreach (var text in "x :1 a: a:65536 a:-1 ::1:5 []:5 [a]:5".Split(Separators, StringSplitOptions.None))
            Assert.Contains("host:port", Assert.Throws<FormatException>(() => PeerAddress.Parse(text)).Message, StringComparison.Ordinal);
    }

    private static bool Understood(byte[] frame)
    {
        try
        {
            Wire.Show(Wire.Decode(frame));
        }
        catch (WireFormatException)
        {
            // Refused, in the one way there is.
        }

        return true;
    }

    private static string Here([CallerFilePath] string here = "") => here;
}
