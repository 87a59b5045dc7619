using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// A connection to the peer port that is not from a peer is closed and logged, and changes nothing: the cluster continues to serve.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class MalformedPeerInputTests : IAsyncLifetime
{
    private const int HandshakeResponseBytes = 52;
    private const ushort ProtocolVersion = 3;

    // Beyond the sequences that the member itself has used.
    private const ulong FirstSequence = 1UL << 62;

    private ServerCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await ServerCluster.StartAsync(3);
        await EtcdCtl.OkAsync(_cluster.Endpoint(1), "put", "before", "it was here");
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_connection_with_garbage_or_another_protocol_is_closed()
    {
        var garbage = new byte[64 * 1024];
        new Random(7).NextBytes(garbage);
        byte[][] openings =
        [
            garbage,
            new byte[4096],
            "GET / HTTP/1.1\r\nHost: quorate\r\n\r\n"u8.ToArray(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(),
            [.. "Quorate\n"u8, 0xff, 0xff],
            [.. "Quorate\n"u8, 0, 0],
            [.. HandshakeRequest(cluster: 1, from: 2, to: 3)[..59], 0],
        ];
        foreach (var number in _cluster.Numbers)
        {
            foreach (var opening in openings)
                Assert.Empty(await SendAndReceiveAsync(number, opening));
            await _cluster.GetProcess(number).WaitForLogAsync("The peer port is for peers; clients use the client port");
        }

        await AssertClusterServesAsync();
    }

    [Fact]
    public async Task A_handshake_of_another_cluster_is_rejected_with_the_reason()
    {
        foreach (var number in _cluster.Numbers)
        {
            var (cluster, member) = await IdsAsync(number);

            Assert.Equal(1, ReadRejection(await SendAndReceiveAsync(number, HandshakeRequest(cluster + 1, from: 5, to: member))));
            Assert.Equal(2, ReadRejection(await SendAndReceiveAsync(number, HandshakeRequest(cluster, from: 5, to: member + 1))));
            Assert.Equal(3, ReadRejection(await SendAndReceiveAsync(number, HandshakeRequest(cluster, from: 5, to: member))));
            await _cluster.GetProcess(number).WaitForLogAsync($"it belongs to cluster {cluster + 1:x}");
        }

        await AssertClusterServesAsync();
    }

    /// <summary>Every client learns the ids of the members; the ids of their data directories stay among the members.</summary>
    [Fact]
    public async Task An_impostor_that_knows_the_ids_of_the_members_is_rejected()
    {
        foreach (var number in _cluster.Numbers)
        {
            var (cluster, member) = await IdsAsync(number);
            var (_, other) = await IdsAsync(number % 3 + 1);
            var response = await SendAndReceiveAsync(number, HandshakeRequest(cluster, from: other, to: member));
            Assert.Equal(8, ReadRejection(response));
            Assert.Equal(0ul, BinaryPrimitives.ReadUInt64LittleEndian(response.AsSpan(40)));
            await _cluster.GetProcess(number).WaitForLogAsync("A program that is no member may pose as one");
            Assert.DoesNotContain("closed its connection to this node", _cluster.GetProcess(number).Errors, StringComparison.Ordinal);
        }

        await AssertClusterServesAsync();
    }

    /// <summary>
    /// The worst case: the impostor has read a data directory, takes a real member's place, and then sends malformed frames.
    /// </summary>
    [Fact]
    public async Task An_impostor_that_sends_malformed_frames_is_disconnected()
    {
        byte[][] frames =
        [
            Frame(length: 4, body: [1, 2, 3, 4], kind: 200),
            Frame(length: uint.MaxValue, body: [], kind: 1),
            [.. Frame(length: 4, body: [1, 2, 3, 4], kind: 1)[..^1], 0xff],
            Frame(length: 1000, body: [1, 2, 3], kind: 1),
            new byte[1 << 20],
        ];
        foreach (var number in _cluster.Numbers)
        {
            var (cluster, member) = await IdsAsync(number);
            var (_, other) = await IdsAsync(number % 3 + 1);
            foreach (var frame in frames)
                Assert.Equal(0,
                    ReadRejection(await SendAndReceiveAsync(
                        number, HandshakeRequest(cluster, from: other, to: member, DirectoryIdOf(number % 3 + 1)), frame)));
            await _cluster.GetProcess(number).WaitForLogAsync("Dropped the connection of node");
        }

        await AssertClusterServesAsync();
    }

    /// <summary>
    /// Forwarded proposals are appended by the leader and applied by every member. If a member could not apply one, all of them would stop,
    /// and again at every start.
    /// </summary>
    [Fact]
    public async Task Forwarded_proposals_that_are_no_commands_have_no_effect_and_are_reported()
    {
        byte[][] commands = [[], [0xff], [1, 1, 200], [3, 1, 1, (byte)'k', 1, (byte)'v', 0, 0], [0xe1, 0xff, 0xff]];
        var status = await _cluster.Maintenance(1).StatusAsync(new StatusRequest());
        var leader = 0;
        foreach (var number in _cluster.Numbers)
            leader = (await IdsAsync(number)).Member == status.Leader ? number : leader;
        var (cluster, member) = await IdsAsync(leader);
        var (_, other) = await IdsAsync(leader % 3 + 1);
        var frame = Frame(ForwardProposals(other, member, status.RaftTerm, commands), kind: 5);

        // The connection stays open until the leader has read the frame: a peer of these ids would replace it.
        using var socket = await ConnectAsync(leader);
        await socket.SendAsync(HandshakeRequest(cluster, from: other, to: member, DirectoryIdOf(leader % 3 + 1)));
        await socket.SendAsync(frame);
        foreach (var number in _cluster.Numbers)
            await _cluster.GetProcess(number).WaitForLogAsync("is no command and has no effect on any member");

        var revision = status.Header.Revision;
        await EtcdCtl.OkAsync(_cluster.Endpoint(leader), "put", "next", "revision");
        Assert.Equal(revision + 1, (await _cluster.Maintenance(leader).StatusAsync(new StatusRequest())).Header.Revision);
        foreach (var number in _cluster.Numbers)
        {
            await _cluster.KillAsync(number);
            _cluster.Start(number);
            await _cluster.WaitUntilReadyAsync(number);
            await _cluster.GetProcess(number).WaitForLogAsync("is no command and has no effect on any member");
        }
    }

    /// <summary>
    /// Many more unfinished handshakes than there are slots, all from the address of the peers, do not keep a member out.
    /// </summary>
    [Fact]
    public async Task Unfinished_handshakes_do_not_block_a_member()
    {
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 900; i++)
            {
                var socket = await ConnectAsync(_cluster.Numbers.ElementAt(i % 3));
                sockets.Add(socket);
                await socket.SendAsync("Quor"u8.ToArray());
            }

            await _cluster.KillAsync(3);
            _cluster.Start(3);
            await _cluster.WaitUntilReadyAsync(3);
            await AssertClusterServesAsync();
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private async Task AssertClusterServesAsync()
    {
        foreach (var number in _cluster.Numbers)
        {
            Assert.False(_cluster.GetProcess(number).HasExited, _cluster.GetProcess(number).Errors);
            await _cluster.WaitUntilReadyAsync(number);
            await EtcdCtl.OkAsync(_cluster.Endpoint(number), "put", $"after{number}", "it serves");
            Assert.Equal("before\nit was here", await EtcdCtl.OkAsync(_cluster.Endpoint(number), "get", "before"));
            Assert.DoesNotContain("crit: ", _cluster.GetProcess(number).Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("fail: ", _cluster.GetProcess(number).Errors, StringComparison.Ordinal);
        }
    }

    private async Task<(ulong Cluster, ulong Member)> IdsAsync(int number)
    {
        var header = (await _cluster.Maintenance(number).StatusAsync(new StatusRequest())).Header;
        return (header.ClusterId, header.MemberId);
    }

    /// <summary>
    /// Sends bytes to the peer port and returns the response. A caller that continues after a handshake request waits for the response
    /// first: the reset of a connection that is closed with unread bytes would discard the response.
    /// </summary>
    private async Task<byte[]> SendAndReceiveAsync(int number, byte[] opening, byte[]? afterResponse = null)
    {
        using var socket = await ConnectAsync(number);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var response = new List<byte>();
        var buffer = new byte[4096];
        try
        {
            await socket.SendAsync(opening, timeout.Token);
            if (afterResponse is null)
                socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(buffer, timeout.Token) is var read and > 0)
            {
                response.AddRange(buffer[..read]);
                if (afterResponse is null || response.Count < HandshakeResponseBytes)
                    continue;
                await socket.SendAsync(afterResponse, timeout.Token);
                socket.Shutdown(SocketShutdown.Send);
                afterResponse = null;
            }
        }
        catch (SocketException)
        {
            // Closed with unread bytes, which TCP reports as a reset.
        }

        return [.. response];
    }

    private async Task<Socket> ConnectAsync(int number)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_cluster.PeerUrl(number)).Port);
        return socket;
    }

    /// <summary>Returns the rejection in a handshake response; docs/formats/wire.md has the bytes.</summary>
    private static int ReadRejection(byte[] response)
    {
        Assert.StartsWith("Quorate\n", Encoding.ASCII.GetString(response), StringComparison.Ordinal);
        return BinaryPrimitives.ReadUInt16LittleEndian(response.AsSpan(10));
    }

    /// <summary>Reads the id of a member's data directory; docs/formats/identity.md has the lines.</summary>
    private ulong DirectoryIdOf(int number)
    {
        const string Field = "directory ";
        var line = File.ReadLines(Path.Combine(_cluster.DataDirectory(number), "identity"))
            .Single(line => line.StartsWith(Field, StringComparison.Ordinal));
        return ulong.Parse(line.AsSpan(Field.Length), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static byte[] HandshakeRequest(ulong cluster, ulong from, ulong to, ulong directory = 0)
    {
        var request = new byte[60];
        "Quorate\n"u8.CopyTo(request);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(8), 60);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(10), ProtocolVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(12), ProtocolVersion);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(16), cluster);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(24), from);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(32), to);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(48), directory);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(56), Checksum(request.AsSpan(0, 56)));
        return request;
    }

    private static byte[] ForwardProposals(ulong from, ulong to, ulong term, byte[][] commands)
    {
        const int HeaderBytes = 24;
        var body = new byte[32 + commands.Length * HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(body, from);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8), to);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(16), term);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(24), (uint)commands.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(28), HeaderBytes);
        for (var i = 0; i < commands.Length; i++)
        {
            var header = body.AsSpan(32 + i * HeaderBytes);
            BinaryPrimitives.WriteUInt64LittleEndian(header, from);
            BinaryPrimitives.WriteUInt64LittleEndian(header[8..], FirstSequence + (ulong)i);
            BinaryPrimitives.WriteUInt32LittleEndian(header[16..], (uint)commands[i].Length);
        }

        return [.. body, .. commands.SelectMany(command => command)];
    }

    private static byte[] Frame(byte[] body, byte kind) => Frame((uint)body.Length, body, kind);

    private static byte[] Frame(uint length, byte[] body, byte kind)
    {
        var frame = new byte[24 + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, length);
        frame[4] = kind;
        BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(8), 1); // the group
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(16), Checksum(body));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(20), Checksum(frame.AsSpan(0, 20)));
        body.CopyTo(frame, 24);
        return frame;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
