using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Quorate.Node.Storage;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>With a secret, only nodes that know it are peers, and only frames that they have sent, in their order, are delivered.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PeerSecretTests
{
    private static readonly NodeId Two = new(2);
    private static readonly byte[] Old = Encoding.ASCII.GetBytes(new string('o', PeerSecret.MinKeyBytes));
    private static readonly byte[] New = Encoding.ASCII.GetBytes(new string('n', PeerSecret.MinKeyBytes));
    private static readonly PeerKey Key = new(Old);

    [Fact]
    public async Task Every_kind_of_message_arrives_as_it_was_sent()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync(With(new PeerSecret(Old)), With(new PeerSecret(Old)));
        await using var first = one;
        await using var second = two;
        foreach (var message in TestMessages.OneOfEach())
        {
            (message.From, message.To) = (one.Id, two.Id);
            one.Send(message);
            Assert.Equal(TestMessages.Show(message), TestMessages.Show((await two.ReceiveAsync()).Message));
        }
    }

    [Fact]
    public async Task A_member_with_a_secret_and_one_without_reject_each_other_in_words()
    {
        await using var one = new TestTcpEndpoint(1, With(new PeerSecret(Old)));
        await using var two = new TestTcpEndpoint(2);
        one.SetPeers(two);
        two.SetPeers(one);
        foreach (var (node, other) in new[] { (one, two), (two, one) })
        {
            var rejected = await node.WaitForRejectionAsync(TransportEventKind.Rejected, HandshakeRejection.SecretMissing);
            var byPeer = await node.WaitForRejectionAsync(TransportEventKind.RejectedByPeer, HandshakeRejection.SecretMissing);
            Assert.Contains("with the secret of the cluster", rejected.Text, StringComparison.Ordinal);
            Assert.Contains("with the secret of the cluster", byPeer.Text, StringComparison.Ordinal);
            Assert.False(node.CountersOf(other.Id).Connected || node.CountersOf(other.Id).Accepted);
        }
    }

    [Fact]
    public async Task Members_with_different_secrets_reject_each_other_in_words()
    {
        await using var one = new TestTcpEndpoint(1, With(new PeerSecret(Old)));
        await using var two = new TestTcpEndpoint(2, With(new PeerSecret(New)));
        one.SetPeers(two);
        two.SetPeers(one);
        foreach (var node in new[] { one, two })
        {
            await node.WaitForRejectionAsync(TransportEventKind.Rejected, HandshakeRejection.WrongSecret);
            var byPeer = await node.WaitForRejectionAsync(TransportEventKind.RejectedByPeer, HandshakeRejection.WrongSecret);
            Assert.Contains("do not share a key", byPeer.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(node.Events, e => e.Text.Contains("oooo", StringComparison.Ordinal));
        }
    }

    /// <summary>The members are restarted one at a time, so members of two consecutive steps of the rotation connect.</summary>
    [Fact]
    public async Task A_key_is_replaced_while_the_members_stay_connected()
    {
        PeerSecret[] steps = [new(Old), new(Old, New), new(New, Old), new(New)];
        for (var step = 0; step + 1 < steps.Length; step++)
        {
            var (one, two) = await TestTcpEndpoint.PairAsync(With(steps[step]), With(steps[step + 1]));
            two.Send(one, 5);
            Assert.Equal(5ul, await one.ReceiveReadIdAsync());
            await one.DisposeAsync();
            await two.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_replayed_handshake_is_rejected()
    {
        await using var one = NodeWithPeerTwo();
        using var honest = await RawPeer.ConnectAsync(one);
        var (request, challenge, authenticator) = await HandshakeAsync(honest, one);
        using var disposed = authenticator;

        using var replay = await RawPeer.ConnectAsync(one);
        await replay.SendAsync(request);
        var another = await Handshake.ReadResponseBytesAsync(replay.Stream, CancellationToken.None);
        Assert.NotEqual(challenge, another);
        await replay.SendAsync(Handshake.WriteConfirmation(Key, request, challenge));
        Assert.Equal(
            HandshakeRejection.WrongSecret, (await Handshake.ReadResponseAsync(replay.Stream, CancellationToken.None)).Rejection);
        await replay.WaitUntilClosedAsync();

        // The live connection was not replaced.
        await honest.SendAsync(Signed(one, authenticator, 1));
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
    }

    /// <summary>A replayed request costs its sender a socket until the deadline, and occupies no thread and no place of the peer.</summary>
    [Fact]
    public async Task Replayed_requests_without_a_confirmation_do_not_keep_the_peer_out()
    {
        await using var one = NodeWithPeerTwo();
        byte[] request;
        using (var honest = await RawPeer.ConnectAsync(one))
            (request, _, _) = await HandshakeAsync(honest, one);

        var replays = new List<RawPeer>();
        for (var i = 0; i < 20; i++)
        {
            replays.Add(await RawPeer.ConnectAsync(one));
            await replays[i].SendAsync(request);
        }

        using var again = await RawPeer.ConnectAsync(one);
        await HandshakeAsync(again, one);
        replays.ForEach(static raw => raw.Dispose());
    }

    /// <summary>The attacker answers the dialer with what the dialer itself has sent.</summary>
    [Fact]
    public async Task A_reflected_nonce_and_proof_are_rejected()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var two = new TestTcpEndpoint(2, With(new PeerSecret(Old)));
        two.Network.SetPeers(
            new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port) });
        using var accepted = await listener.AcceptTcpClientAsync();
        var request = new byte[124];
        await accepted.GetStream().ReadExactlyAsync(request);
        var challenge = Handshake.WriteChallenge(
            new HandshakeResponse(HandshakeRejection.None, 2, TestTcpEndpoint.Cluster, new NodeId(1), Handshake.PeerSecretFeature),
            new PeerKey(New), request, request.AsSpan(56, 32));
        request.AsSpan(88, 32).CopyTo(challenge.AsSpan(80));
        BitConverter.GetBytes(Crc32C.Of(challenge.AsSpan()[..^4])).CopyTo(challenge, challenge.Length - 4);
        await accepted.GetStream().WriteAsync(challenge);

        Assert.Equal(HandshakeRejection.WrongSecret, (await two.WaitForEventAsync(TransportEventKind.RejectedByPeer)).Rejection);
    }

    /// <summary>The attacker lets one connection compute the proof that another one needs: each proof is bound to both nonces.</summary>
    [Fact]
    public async Task A_confirmation_of_another_connection_is_rejected()
    {
        await using var one = NodeWithPeerTwo();
        using var first = await RawPeer.ConnectAsync(one);
        using var second = await RawPeer.ConnectAsync(one);
        var (requestOfFirst, challengeOfFirst) = await RequestAsync(first, one);
        await RequestAsync(second, one);
        await second.SendAsync(Handshake.WriteConfirmation(Key, requestOfFirst, challengeOfFirst));
        Assert.Equal(
            HandshakeRejection.WrongSecret, (await Handshake.ReadResponseAsync(second.Stream, CancellationToken.None)).Rejection);
    }

    /// <summary>Each byte of the request is protected: versions, cluster, nodes, features, directory id, nonce, and the proof.</summary>
    [Fact]
    public void A_request_with_any_byte_changed_is_not_verified()
    {
        var request = Handshake.WriteSealed(
            new HandshakeRequest(2, 2, 3, new NodeId(4), new NodeId(5), Handshake.PeerSecretFeature, 6), Key, new byte[32]);
        Assert.True(Handshake.VerifyRequest(request, Key));
        Assert.False(Handshake.VerifyRequest(request, new PeerKey(New)));
        for (var i = 0; i < request.Length - 4; i++)
        {
            request[i] ^= 1;
            Assert.False(Handshake.VerifyRequest(request, Key), $"byte {i}");
            request[i] ^= 1;
        }
    }

    /// <summary>The four messages cannot stand for each other, because each proof has a label of its own.</summary>
    [Fact]
    public void A_proof_of_one_message_is_none_of_another()
    {
        var response = new HandshakeResponse(HandshakeRejection.None, 2, 3, new NodeId(4), Handshake.PeerSecretFeature, 5);
        var request = Handshake.WriteSealed(default, Key, new byte[32]);
        var challenge = Handshake.WriteChallenge(response, Key, request, new byte[32]);
        var verdict = Handshake.WriteVerdict(response, Key, request, challenge);
        Assert.True(Handshake.VerifyChallenge(challenge, Key, request));
        Assert.True(Handshake.VerifyVerdict(verdict, Key, request, challenge));
        Assert.False(Handshake.VerifyVerdict(challenge, Key, request, challenge));
        Assert.False(Handshake.VerifyChallenge(verdict, Key, request));
        Assert.False(Handshake.VerifyRequest(challenge, Key));
        Assert.NotEqual(Handshake.WriteConfirmation(Key, request, challenge), verdict[^36..^4]);
    }

    /// <summary>The second of three frames is altered, repeated, left out, moved, without a MAC, or of another connection.</summary>
    [Theory]
    [InlineData("altered")]
    [InlineData("repeated")]
    [InlineData("left out")]
    [InlineData("moved")]
    [InlineData("without a MAC")]
    [InlineData("of another connection")]
    public async Task A_frame_that_was_not_sent_at_this_place_drops_the_connection(string how)
    {
        await using var one = NodeWithPeerTwo();
        using var another = await RawPeer.ConnectAsync(one);
        var (_, _, ofAnother) = await HandshakeAsync(another, one);
        using var raw = await RawPeer.ConnectAsync(one);
        var (_, _, authenticator) = await HandshakeAsync(raw, one);
        byte[][] frames = [Signed(one, authenticator, 1), Signed(one, authenticator, 2), Signed(one, authenticator, 3)];
        switch (how)
        {
            case "altered":
                // A valid frame of an attacker, with valid checksums, and the MAC of the frame that it replaces.
                frames[1] = [.. Frame(one, 9), .. frames[1][^FrameAuthenticator.MacBytes..]];
                break;
            case "repeated":
                frames[1] = frames[0];
                break;
            case "left out":
                frames[1] = [];
                break;
            case "moved":
                (frames[1], frames[2]) = (frames[2], frames[1]);
                break;
            case "without a MAC":
                frames[1] = Frame(one, 9);
                break;
            default:
                Signed(one, ofAnother, 1);
                frames[1] = Signed(one, ofAnother, 9);
                break;
        }

        await raw.SendAsync(frames[0]);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        await raw.SendAsync([.. frames[1], .. frames[2]]);
        await raw.WaitUntilClosedAsync();
        Assert.Contains("MAC", (await one.WaitForEventAsync(TransportEventKind.Malformed)).Text, StringComparison.Ordinal);
        Assert.False(one.Network.TryReceive(out var received) && received.Kind == ReceivedEventKind.Message);
        Assert.Equal(1, one.CountersOf(Two).ReceivedMessages);
    }

    [Fact]
    public void A_code_is_computed_without_an_allocation()
    {
        using var authenticator = new FrameAuthenticator(new byte[32]);
        var (frame, mac) = (new byte[100], new byte[FrameAuthenticator.MacBytes]);
        authenticator.Sign(frame, mac);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            authenticator.Sign(frame, mac);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_secret_file_has_one_or_two_keys_that_only_its_owner_can_read()
    {
        var path = Path.GetTempFileName();
        try
        {
            Assert.Single(Read($"# first line\n\n{new string('k', 32)}\n").Keys);
            Assert.Equal(2, Read($"{new string('k', 32)}\n  {new string('l', 40)}  ").Keys.Count);
            foreach (var (content, expected) in new[]
            {
                ("", "has 0 keys"), ("# only a comment\n", "has 0 keys"), ("short\n", "key 1 has 5 bytes; it must have at least 32"),
                ($"{new string('k', 32)}\nshort", "key 2 has 5 bytes"),
                ($"{new string('k', 32)}\n{new string('k', 33)}\n{new string('k', 34)}", "has 3 keys"),
            })
            {
                var error = Assert.Throws<InvalidDataException>(() => Read(content));
                Assert.Contains(expected, error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain("kkk", error.Message, StringComparison.Ordinal);
            }

            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            Assert.Contains(
                "chmod 600", Assert.Throws<InvalidDataException>(() => PeerSecret.ReadFile(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }

        PeerSecret Read(string content)
        {
            File.WriteAllText(path, content);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return PeerSecret.ReadFile(path);
        }
    }

    private static Func<TcpTransportOptions, TcpTransportOptions> With(PeerSecret secret) => options => options with { Secret = secret };

    private static TestTcpEndpoint NodeWithPeerTwo()
    {
        var node = new TestTcpEndpoint(1, With(new PeerSecret(Old)));
        node.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        return node;
    }

    private static async Task<(byte[] Request, byte[] Challenge)> RequestAsync(RawPeer raw, TestTcpEndpoint to)
    {
        var request = Handshake.WriteSealed(
            RawPeer.RequestTo(to) with { Features = Handshake.PeerSecretFeature }, Key, RandomNumberGenerator.GetBytes(32));
        await raw.SendAsync(request);
        var challenge = await Handshake.ReadResponseBytesAsync(raw.Stream, CancellationToken.None);
        Assert.True(Handshake.VerifyChallenge(challenge, Key, request));
        return (request, challenge);
    }

    private static async Task<(byte[] Request, byte[] Challenge, FrameAuthenticator Authenticator)> HandshakeAsync(
        RawPeer raw, TestTcpEndpoint to)
    {
        var (request, challenge) = await RequestAsync(raw, to);
        await raw.SendAsync(Handshake.WriteConfirmation(Key, request, challenge));
        var verdict = await Handshake.ReadResponseBytesAsync(raw.Stream, CancellationToken.None);
        Assert.True(Handshake.VerifyVerdict(verdict, Key, request, challenge));
        Assert.Equal(HandshakeRejection.None, Handshake.ParseResponse(verdict).Rejection);
        return (request, challenge, Key.DeriveFrameKey(request, challenge));
    }

    private static byte[] Frame(TestTcpEndpoint to, ulong readId) =>
        TestMessages.Encode(new ReadIndexRequest { From = Two, To = to.Id, ReadId = readId });

    private static byte[] Signed(TestTcpEndpoint to, FrameAuthenticator authenticator, ulong readId)
    {
        var frame = Frame(to, readId);
        var mac = new byte[FrameAuthenticator.MacBytes];
        authenticator.Sign(frame, mac);
        return [.. frame, .. mac];
    }
}
