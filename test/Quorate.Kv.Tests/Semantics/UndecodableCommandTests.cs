using System.Buffers;
using CsCheck;
using Quorate.Kv.Tests.Properties;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>A committed entry that is no command has no effect and a result. It must not stop every member, at every start.</summary>
public sealed class UndecodableCommandTests
{
    [Theory]
    [InlineData("")]
    [InlineData("FF")]
    [InlineData("00")]
    [InlineData("0101016B0176")] // a truncated put
    [InlineData("0101016B0176000000")] // a put with a byte behind it
    [InlineData("0301016B01760000")] // a format of the future
    [InlineData("0105016B")] // a range
    [InlineData("02060200")] // a lease without a time to live
    public void It_changes_nothing_and_its_result_is_an_error(string hex)
    {
        var store = new StoreUnderTest();
        store.Apply(Put("a", "1"));
        var hash = store.Current.Hash();

        var result = store.ApplyBytes(Convert.FromHexString(hex));

        Assert.Equal(new KvResult(null, KvError.UndecodableCommand, 2), result);
        Assert.Equal((2, hash), (store.Revision, store.Current.Hash()));
        Assert.Equal(2UL, store.Current.AppliedIndex.Value);
        Assert.Equal("@3 put r3 prev none", store.ApplyAndFormat(Put("b")));
    }

    /// <summary>
    /// Random bytes, and commands with a few bytes changed, which often decode to requests that no validator has seen: two members that
    /// apply them in different batches and sweep differently have the same results and the same hash, and none throws.
    /// </summary>
    [Fact]
    public void Any_bytes_can_be_applied_and_have_one_result_on_all_members() =>
        Gen.Select(
            Gen.OneOf(
                Gen.Byte.Array[0, 40],
                Gen.Select(Gen.Byte[1, 2], Gen.Byte[1, 9], Gen.Byte.Array[0, 60])
                    .Select((format, kind, rest) => (byte[])[format, kind, .. rest]),
                Gen.Select(RequestGenerators.Command, Gen.Select(Gen.Int[0, 10_000], Gen.Byte).Array[0, 3]).Select(Corrupt)).Array[1, 60],
            Gen.Int[1, 7]).Sample(
            (commands, batch) =>
            {
                var (a, b) = (new StoreUnderTest(), new StoreUnderTest(sweep: 1));
                for (var i = 0; i < commands.Length; i++)
                {
                    var before = a.Current.Hash();
                    var result = a.ApplyBytes(commands[i]);
                    Assert.Equal(Format(result), Format(b.ApplyBytesInBatch(commands[i])));
                    if (result.Error == KvError.UndecodableCommand)
                        Assert.Equal(before, a.Current.Hash());
                    if (i % batch == 0)
                        b.EndBatch();
                }

                b.EndBatch();
                Assert.Equal((a.Revision, a.Current.Hash()), (b.Revision, b.Current.Hash()));
            },
            iter: TestEffort.Of(3000));

    private static byte[] Corrupt(KvRequest request, (int At, byte Value)[] changes)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommandCodec.Encode(request, bytes);
        var corrupted = bytes.WrittenSpan.ToArray();
        foreach (var (at, value) in changes)
            corrupted[at % corrupted.Length] = value;
        return corrupted;
    }
}
