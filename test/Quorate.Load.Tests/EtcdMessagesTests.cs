using Google.Protobuf;
using Quorate.Load.Servers;
using Quorate.Server.Protos;

namespace Quorate.Load.Tests;

/// <summary>The messages encoded by hand are what the generated code reads and writes.</summary>
public sealed class EtcdMessagesTests
{
    [Fact]
    public void A_prepared_put_has_a_padded_key_and_values_that_differ()
    {
        var preparer = new RequestPreparer(Options(ServerOperation.Put), new KeySequence(), thread: 0);
        var messages = new[] { Prepare(preparer), Prepare(preparer) };

        var puts = messages.Select(message => PutRequest.Parser.ParseFrom(message)).ToArray();

        Assert.All(puts, put => Assert.InRange(int.Parse(put.Key.ToStringUtf8()), 0, 99_999));
        Assert.All(puts, put => Assert.Equal((8, 256), (put.Key.Length, put.Value.Length)));
        Assert.NotEqual(puts[0].Value, puts[1].Value);
    }

    [Fact]
    public void The_same_seed_gives_the_same_keys()
    {
        static string[] Keys(int seed)
        {
            var preparer = new RequestPreparer(Options(ServerOperation.Range) with { Seed = seed }, new KeySequence(), thread: 0);
            return [.. Enumerable.Range(0, 100).Select(_ => RangeRequest.Parser.ParseFrom(Prepare(preparer)).Key.ToStringUtf8())];
        }

        Assert.Equal(Keys(7), Keys(7));
        Assert.NotEqual(Keys(7), Keys(8));
        Assert.True(Keys(7).Distinct().Count() > 90);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_prepared_range_is_serializable_only_if_requested(bool serializable)
    {
        var options = Options(ServerOperation.Range) with { Serializable = serializable, SequentialKeys = true };
        var preparer = new RequestPreparer(options, new KeySequence(), thread: 0);
        Prepare(preparer);

        var range = RangeRequest.Parser.ParseFrom(Prepare(preparer));

        Assert.Equal(("00000001", serializable), (range.Key.ToStringUtf8(), range.Serializable));
    }

    [Fact]
    public void The_keys_of_a_range_response_are_counted()
    {
        var response = new RangeResponse { Header = new ResponseHeader { Revision = 1 << 20 }, Count = 2, More = true };
        response.Kvs.Add(new KeyValue { Key = ByteString.CopyFromUtf8("a"), Value = ByteString.CopyFrom(new byte[300]) });
        response.Kvs.Add(new KeyValue { Key = ByteString.CopyFromUtf8("b") });

        Assert.Equal(2, EtcdMessages.CountKeys(response.ToByteArray()));
        Assert.Equal(0, EtcdMessages.CountKeys([]));
        Assert.Throws<InvalidDataException>(() => EtcdMessages.CountKeys(response.ToByteArray().AsSpan()[..^1]));
    }

    [Theory]
    [InlineData(5UL, 5UL, true)]
    [InlineData(5UL, 6UL, false)]
    [InlineData(0UL, 0UL, false)]
    public void The_leader_is_the_member_whose_status_names_itself(ulong member, ulong leader, bool expected)
    {
        var response = new StatusResponse { Header = new ResponseHeader { MemberId = member }, Version = "3.5.0", Leader = leader };

        Assert.Equal(expected, EtcdMessages.IsLeader(response.ToByteArray()));
    }

    private static ServerLoadOptions Options(ServerOperation operation) => new() { Operation = operation, Endpoints = [] };

    private static byte[] Prepare(RequestPreparer preparer)
    {
        var message = preparer.Message.ToArray();
        preparer.Prepare(message);
        return message;
    }
}
