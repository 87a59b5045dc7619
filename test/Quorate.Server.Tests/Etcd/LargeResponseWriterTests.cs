using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Etcd;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>The parts of a large response are the bytes of one message, and a cancelled call ends between two parts.</summary>
public sealed class LargeResponseWriterTests
{
    private const int PrefixBytes = 5;
    private const int Mebibyte = 1024 * 1024;

    [Theory]
    [InlineData(1, 3 * Mebibyte)]
    [InlineData(3, 64 * 1024)]
    [InlineData(40_000, 7)]
    public async Task The_parts_of_a_range_are_one_message(int keys, int valueBytes)
    {
        var response = Range(keys, valueBytes);
        response.More = true;

        Assert.True(LargeResponses.IsLarge(response));
        Assert.Equal(response, RangeResponse.Parser.ParseFrom(await WriteAsync(w => w.WriteAsync(response))));
    }

    [Fact]
    public async Task The_parts_of_a_transaction_are_one_message()
    {
        var range = Range(5, 100_000);
        var response = new TxnResponse { Header = new ResponseHeader { Revision = 7 }, Succeeded = true };
        var nested = new TxnResponse { Responses = { new ResponseOp { ResponseRange = range }, new ResponseOp() } };
        response.Responses.Add(new ResponseOp { ResponsePut = new PutResponse { PrevKv = range.Kvs[0] } });
        response.Responses.Add(new ResponseOp { ResponseTxn = nested });
        response.Responses.Add(new ResponseOp { ResponseDeleteRange = new DeleteRangeResponse { Deleted = 5, PrevKvs = { range.Kvs } } });

        Assert.True(LargeResponses.IsLarge(response));
        Assert.Equal(response, TxnResponse.Parser.ParseFrom(await WriteAsync(w => w.WriteAsync(response))));
    }

    [Fact]
    public async Task The_parts_of_a_deletion_are_one_message()
    {
        var response = new DeleteRangeResponse { Header = new ResponseHeader(), Deleted = 3, PrevKvs = { Range(3, 50_000).Kvs } };

        Assert.True(LargeResponses.IsLarge(response));
        Assert.Equal(response, DeleteRangeResponse.Parser.ParseFrom(await WriteAsync(w => w.WriteAsync(response))));
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(100, 100)]
    public void A_small_response_is_written_as_a_whole(int keys, int valueBytes) =>
        Assert.False(LargeResponses.IsLarge(Range(keys, valueBytes)));

    [Theory]
    [InlineData(12, Mebibyte)]
    [InlineData(100_000, 100)]
    public async Task A_response_that_is_not_read_is_not_copied_and_ends_with_its_call(int keys, int valueBytes)
    {
        using var cancellation = new CancellationTokenSource();
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024));
        var writing = new LargeResponseWriter(pipe.Writer, new LargeResponseLimiter(), RequestContext.FromServer(cancellation.Token))
            .WriteAsync(Range(keys, valueBytes));

        var read = await pipe.Reader.ReadAsync();
        Assert.False(writing.IsCompleted);
        Assert.InRange(read.Buffer.Length, PrefixBytes + 1, 256 * 1024);
        await cancellation.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => writing)).StatusCode);
        pipe.Reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Assert.False(pipe.Reader.TryRead(out _));
    }

    /// <summary>A client that reads as fast as the server writes: no flush waits, so none could observe the cancellation.</summary>
    [Fact]
    public async Task A_cancelled_response_ends_although_its_client_reads()
    {
        using var cancellation = new CancellationTokenSource();
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await cancellation.CancelAsync();

        var writing = new LargeResponseWriter(pipe.Writer, new LargeResponseLimiter(), RequestContext.FromServer(cancellation.Token))
            .WriteAsync(Range(12, Mebibyte));

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => writing)).StatusCode);
        await pipe.Writer.CompleteAsync();
        Assert.InRange((await pipe.Reader.ReadAsync()).Buffer.Length, 0, 256 * 1024);
    }

    private static RangeResponse Range(int keys, int valueBytes)
    {
        var value = new byte[valueBytes];
        new Random(3).NextBytes(value);
        var response = new RangeResponse { Header = new ResponseHeader { ClusterId = 1, MemberId = 2, Revision = 300 }, Count = keys };
        for (var i = 0; i < keys; i++)
        {
            response.Kvs.Add(new KeyValue
            {
                Key = ByteString.CopyFromUtf8($"key {i}"), Value = UnsafeByteOperations.UnsafeWrap(value),
                CreateRevision = i, ModRevision = i, Version = 1, Lease = i % 2,
            });
        }

        return response;
    }

    /// <summary>Writes a response to a client that reads it, and returns the message without its prefix.</summary>
    private static async Task<byte[]> WriteAsync(Func<LargeResponseWriter, Task> write)
    {
        var pipe = new Pipe();
        var reading = ReadToEndAsync(pipe.Reader);
        await write(new LargeResponseWriter(pipe.Writer, new LargeResponseLimiter(), RequestContext.FromServer(CancellationToken.None)));
        await pipe.Writer.CompleteAsync();
        var bytes = await reading;
        Assert.Equal(0, bytes[0]);
        Assert.Equal(bytes.Length - PrefixBytes, BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(1)));
        return bytes[PrefixBytes..];
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        using var all = new MemoryStream();
        await reader.CopyToAsync(all);
        return all.ToArray();
    }
}
