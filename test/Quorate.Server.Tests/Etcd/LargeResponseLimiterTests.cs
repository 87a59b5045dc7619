using System.IO.Pipelines;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Quorate.Server.Etcd;
using Quorate.Server.Http;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Large responses are encoded in turns, so that a thousand of them do not occupy the thread pool.</summary>
public sealed class LargeResponseLimiterTests
{
    private const int Mebibyte = 1024 * 1024;

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    [Fact]
    public async Task A_response_encodes_nothing_before_its_turn_and_leaves_the_queue_when_its_call_is_cancelled()
    {
        var limiter = new LargeResponseLimiter(turns: 1);
        using var other = limiter.TurnOf(CancellationToken.None);
        await other.EnterAsync();
        using var cancellation = new CancellationTokenSource();
        var pipe = new Pipe();

        var writing = new LargeResponseWriter(pipe.Writer, limiter, RequestContext.FromServer(cancellation.Token)).WriteAsync(Range());
        Assert.False(writing.IsCompleted);
        await cancellation.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => writing)).StatusCode);
        await pipe.Writer.CompleteAsync();
        Assert.Equal(0, (await pipe.Reader.ReadAsync()).Buffer.Length);
        other.Exit();
        await AssertAllTurnsAreFreeAsync(limiter, 1);
    }

    [Fact]
    public async Task Responses_take_turns_in_the_order_in_which_they_wait()
    {
        var limiter = new LargeResponseLimiter(turns: 1);
        using var first = limiter.TurnOf(CancellationToken.None);
        using var second = limiter.TurnOf(CancellationToken.None);
        await first.EnterAsync();
        var secondEnters = second.EnterAsync().AsTask();

        first.Exit();
        var firstEntersAgain = first.EnterAsync().AsTask();

        await secondEnters;
        Assert.False(firstEntersAgain.IsCompleted);
        second.Exit();
        await firstEntersAgain;
    }

    /// <summary>Otherwise as many clients that do not read as the machine has processors would stop all large responses.</summary>
    [Fact]
    public async Task A_response_that_waits_for_its_client_has_no_turn()
    {
        var limiter = new LargeResponseLimiter(turns: 1);
        using var cancellation = new CancellationTokenSource();
        var unread = new Pipe(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024));
        var waiting = new LargeResponseWriter(unread.Writer, limiter, RequestContext.FromServer(cancellation.Token)).WriteAsync(Range());
        await unread.Reader.ReadAsync();

        await AssertAllTurnsAreFreeAsync(limiter, 1);
        await cancellation.CancelAsync();

        await Assert.ThrowsAsync<RpcException>(() => waiting);
        await AssertAllTurnsAreFreeAsync(limiter, 1);
    }

    [Fact]
    public async Task A_response_in_JSON_that_waits_for_its_client_has_no_turn()
    {
        var limiter = new LargeResponseLimiter(turns: 1);
        using var cancellation = new CancellationTokenSource();
        var unread = new Pipe(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024));
        var waiting = WriteJsonAsync(unread.Writer, limiter, cancellation.Token);
        await unread.Reader.ReadAsync();

        await AssertAllTurnsAreFreeAsync(limiter, 1);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await AssertAllTurnsAreFreeAsync(limiter, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Many_responses_are_written_whole_although_few_are_encoded_at_a_time(int turns)
    {
        var limiter = new LargeResponseLimiter(turns);
        var pipes = Enumerable.Range(0, 8).Select(static _ => new Pipe()).ToArray();
        var reading = pipes.Select(static pipe => ReadToEndAsync(pipe.Reader)).ToArray();

        await Task.WhenAll(pipes.Select((pipe, i) => WriteToEndAsync(pipe.Writer, limiter, isJson: i % 2 == 1)));

        foreach (var (bytes, i) in (await Task.WhenAll(reading)).Select(static (bytes, i) => (bytes, i)))
        {
            var response = i % 2 == 1
                ? JsonParser.Default.Parse<RangeResponse>(Encoding.UTF8.GetString(bytes))
                : RangeResponse.Parser.ParseFrom(bytes.AsSpan(5));
            Assert.Equal(Range(), response);
        }

        await AssertAllTurnsAreFreeAsync(limiter, turns);
    }

    private static async Task AssertAllTurnsAreFreeAsync(LargeResponseLimiter limiter, int count)
    {
        using var cancellation = new CancellationTokenSource();
        var turns = Enumerable.Range(0, count + 1).Select(_ => limiter.TurnOf(cancellation.Token)).ToArray();
        var enters = turns.Select(static turn => turn.EnterAsync().AsTask()).ToArray();

        Assert.All(enters[..count], static enter => Assert.True(enter.IsCompletedSuccessfully));
        Assert.False(enters[count].IsCompleted); // Were a turn given back twice, there would be one more.
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => enters[count]);
        foreach (var turn in turns)
            turn.Dispose();
    }

    private static async Task WriteJsonAsync(PipeWriter output, LargeResponseLimiter limiter, CancellationToken cancellation)
    {
        var http = new DefaultHttpContext();
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(output.AsStream()));
        await new LargeJsonWriter(http, Formatter, limiter, RequestContext.FromServer(cancellation)).WriteAsync(Range());
        await http.Response.BodyWriter.FlushAsync(cancellation);
    }

    private static async Task WriteToEndAsync(PipeWriter output, LargeResponseLimiter limiter, bool isJson)
    {
        await (isJson
            ? WriteJsonAsync(output, limiter, CancellationToken.None)
            : new LargeResponseWriter(output, limiter, RequestContext.FromServer(CancellationToken.None)).WriteAsync(Range()));
        await output.CompleteAsync();
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        using var all = new MemoryStream();
        await reader.CopyToAsync(all);
        return all.ToArray();
    }

    private static RangeResponse Range()
    {
        var value = new byte[Mebibyte];
        new Random(5).NextBytes(value);
        var response = new RangeResponse { Header = new ResponseHeader { ClusterId = 1, MemberId = 2, Revision = 300 }, Count = 2 };
        for (var i = 0; i < 2; i++)
            response.Kvs.Add(new KeyValue { Key = ByteString.CopyFromUtf8($"key {i}"), Value = UnsafeByteOperations.UnsafeWrap(value) });
        return response;
    }
}
