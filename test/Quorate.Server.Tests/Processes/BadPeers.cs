using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>Whatever comes to the peer port that is not a peer is closed, named in the log, and changes nothing: the cluster goes on serving.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class BadPeers : IAsyncLifetime
{
    private const int AnswerBytes = 52;

    private ServerCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await ServerCluster.StartAsync(3);
        await EtcdCtl.OkAsync(_cluster.Endpoint(1), "put", "before", "it was here");
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Noise_and_other_protocols_are_closed_and_the_cluster_goes_on()
    {
        var noise = new byte[64 * 1024];
        new Random(7).NextBytes(noise);
        byte[][] openings =
        [
            noise,
            new byte[4096],
            "GET / HTTP/1.1\r\nHost: quorate\r\n\r\n"u8.ToArray(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(),
            [.. "Quorate\n"u8, 0xff, 0xff],
            [.. "Quorate\n"u8, 0, 0],
            [.. Hello(cluster: 1, from: 2, to: 3)[..59], 0],
        ];
        foreach (var number in _cluster.Numbers)
        {
            foreach (var opening in openings)
                Assert.Empty(await AnswerAsync(number, opening));
            await _cluster.Program(number).UntilItSaysAsync("The peer port is for peers; clients use the client port");
        }

        await AssertItServesAsync();
    }

    [Fact]
    public async Task A_hello_of_another_cluster_is_answered_with_the_reason()
    {
        foreach (var number in _cluster.Numbers)
        {
            var (cluster, member) = await IdsAsync(number);

            Assert.Equal(1, Refusal(await AnswerAsync(number, Hello(cluster + 1, from: 5, to: member))));
            Assert.Equal(2, Refusal(await AnswerAsync(number, Hello(cluster, from: 5, to: member + 1))));
            Assert.Equal(3, Refusal(await AnswerAsync(number, Hello(cluster, from: 5, to: member))));
            await _cluster.Program(number).UntilItSaysAsync($"it belongs to cluster {cluster + 1:x}");
        }

        await AssertItServesAsync();
    }

    /// <summary>The worst case: it knows the ids, takes a real member's place, and then talks nonsense.</summary>
    [Fact]
    public async Task An_impostor_that_sends_broken_frames_is_thrown_out_and_the_member_comes_back()
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
                Assert.Equal(0, Refusal(await AnswerAsync(number, Hello(cluster, from: other, to: member), frame)));
            await _cluster.Program(number).UntilItSaysAsync("Dropped the connection of node");
        }

        await AssertItServesAsync();
    }

    /// <summary>Half a hello holds a place for ten seconds at most, and a crowd of them does not keep a member from coming back.</summary>
    [Fact]
    public async Task A_crowd_that_never_finishes_its_hello_does_not_keep_a_member_out()
    {
        var crowd = new List<Socket>();
        try
        {
            for (var i = 0; i < 200; i++)
            {
                var socket = await ConnectAsync(_cluster.Numbers.ElementAt(i % 3));
                crowd.Add(socket);
                await socket.SendAsync("Quor"u8.ToArray());
            }

            await _cluster.KillAsync(3);
            _cluster.Start(3);
            await _cluster.UntilReadyAsync(3);
            await AssertItServesAsync();
        }
        finally
        {
            crowd.ForEach(socket => socket.Dispose());
        }
    }

    private async Task AssertItServesAsync()
    {
        foreach (var number in _cluster.Numbers)
        {
            Assert.False(_cluster.Program(number).HasExited, _cluster.Program(number).Errors);
            await _cluster.UntilReadyAsync(number);
            await EtcdCtl.OkAsync(_cluster.Endpoint(number), "put", $"after{number}", "it serves");
            Assert.Equal("before\nit was here", await EtcdCtl.OkAsync(_cluster.Endpoint(number), "get", "before"));
            Assert.DoesNotContain("crit: ", _cluster.Program(number).Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("fail: ", _cluster.Program(number).Errors, StringComparison.Ordinal);
        }
    }

    private async Task<(ulong Cluster, ulong Member)> IdsAsync(int number)
    {
        var header = (await _cluster.Maintenance(number).StatusAsync(new StatusRequest())).Header;
        return (header.ClusterId, header.MemberId);
    }

    /// <summary>
    /// Says something on the peer port, and gives what came back. Whoever goes on after a hello waits for its answer first: the reset of a connection that is
    /// closed with bytes unread would take the answer with it.
    /// </summary>
    private async Task<byte[]> AnswerAsync(int number, byte[] opening, byte[]? afterTheAnswer = null)
    {
        using var socket = await ConnectAsync(number);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var answer = new List<byte>();
        var buffer = new byte[4096];
        try
        {
            await socket.SendAsync(opening, patience.Token);
            if (afterTheAnswer is null)
                socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(buffer, patience.Token) is var read and > 0)
            {
                answer.AddRange(buffer[..read]);
                if (afterTheAnswer is null || answer.Count < AnswerBytes)
                    continue;
                await socket.SendAsync(afterTheAnswer, patience.Token);
                socket.Shutdown(SocketShutdown.Send);
                afterTheAnswer = null;
            }
        }
        catch (SocketException)
        {
            // Closed with our bytes unread, which TCP tells as a reset.
        }

        return [.. answer];
    }

    private async Task<Socket> ConnectAsync(int number)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_cluster.PeerUrl(number)).Port);
        return socket;
    }

    /// <summary>The refusal in an answer; docs/formats/wire.md has the bytes.</summary>
    private static int Refusal(byte[] answer)
    {
        Assert.StartsWith("Quorate\n", Encoding.ASCII.GetString(answer), StringComparison.Ordinal);
        return BinaryPrimitives.ReadUInt16LittleEndian(answer.AsSpan(10));
    }

    private static byte[] Hello(ulong cluster, ulong from, ulong to)
    {
        var hello = new byte[60];
        "Quorate\n"u8.CopyTo(hello);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(8), 60);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(10), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(12), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(16), cluster);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(24), from);
        BinaryPrimitives.WriteUInt64LittleEndian(hello.AsSpan(32), to);
        BinaryPrimitives.WriteUInt32LittleEndian(hello.AsSpan(56), Checksum(hello.AsSpan(0, 56)));
        return hello;
    }

    private static byte[] Frame(uint length, byte[] body, byte kind)
    {
        var frame = new byte[16 + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, length);
        frame[4] = kind;
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), Checksum(body));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(12), Checksum(frame.AsSpan(0, 12)));
        body.CopyTo(frame, 16);
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
