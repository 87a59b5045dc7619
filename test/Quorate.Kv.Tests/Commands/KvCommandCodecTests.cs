using System.Buffers;
using CsCheck;
using Quorate.Kv.Tests.Properties;
using Quorate.Raft;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Commands;

/// <summary>docs/formats/kv-command.md: encoding and decoding of commands.</summary>
public sealed class KvCommandCodecTests
{
    [Fact]
    public void A_command_round_trips_to_the_same_bytes() =>
        RequestGenerators.Command.Sample(
            request =>
            {
                var bytes = Encode(request);
                var decoded = KvCommandCodec.Decode(bytes);
                Assert.Equal(request.GetType(), decoded.GetType());
                Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(Encode(decoded)));
            },
            iter: TestEffort.Of(2000));

    /// <summary>Golden bytes: existing logs contain them. Only a new format may add to them.</summary>
    [Fact]
    public void Format_1_encodes_to_the_golden_bytes()
    {
        Assert.Equal("0101016B0176F60103", Hex(Put("k", "v") with { Lease = 123, PrevKv = true, IgnoreValue = true }));
        Assert.Equal("01020101610163" + "00", Hex(Delete("a", "c")));
        Assert.Equal("0104AE05", Hex(new CompactRequest(343)));
        Assert.Equal(
            "0103"
                + "02" + "00016B" + "00" + "00" + "02" + "00016B" + "03" + "03" + "0176"
                + "02" + "05" + "02016B" + "01" + "08" + "02" + "01" + "04" + "00" + "00" + "00" + "00"
                + "03" + "00" + "01" + "01" + "0161" + "00" + "00" + "00" + "00"
                + "01" + "02" + "000161" + "01",
            Hex(Golden()));
    }

    /// <summary>Golden bytes of the lease commands.</summary>
    [Fact]
    public void Format_2_encodes_to_the_golden_bytes()
    {
        Assert.Equal("0206F601" + "D804", Hex(new LeaseGrantRequest(123, 600)));
        Assert.Equal("020701", Hex(new LeaseRevokeRequest(-1)));
        Assert.Equal("0208F601", Hex(new LeaseRenewRequest(123)));
        Assert.Equal("0209F601" + "AC02", Hex(new LeaseExpireRequest(123, new LogIndex(300))));
    }

    /// <summary>Golden bytes of the lease clock, and of a renewal of many leases.</summary>
    [Fact]
    public void Format_3_encodes_to_the_golden_bytes()
    {
        Assert.Equal("030A03" + "F601" + "01" + "FEFFFFFFFFFFFFFFFF01", Hex(new LeaseRenewManyRequest([123, -1, long.MaxValue])));
        Assert.Equal("030B" + "AC02" + "F403" + "E803", Hex(new LeaseClockAdvanceRequest(new LogIndex(300), 500, 488)));
    }

    /// <summary>The file has each kind of each format at least once; logs on disks contain these bytes.</summary>
    [Fact]
    public void The_golden_commands_decode_and_encode_to_the_same_bytes()
    {
        var kinds = new HashSet<string>();
        foreach (var line in File.ReadAllLines(GoldenFile()).Where(static line => !line.StartsWith('#')))
        {
            var hex = line.Split(' ')[0];
            kinds.Add(hex[..4]);
            Assert.Equal(hex, Hex(KvCommandCodec.Decode(Convert.FromHexString(hex))));
        }

        Assert.Equal(["0101", "0102", "0103", "0104", "0206", "0207", "0208", "0209", "030A", "030B"], kinds.Order());
    }

    [Fact]
    public void A_renewal_costs_at_most_10_bytes_of_the_command()
    {
        var ids = Enumerable.Range(0, LeaseRenewManyRequest.MaxIds).Select(i => long.MaxValue - i).ToArray();
        Assert.InRange(Encode(new LeaseRenewManyRequest(ids)).Length, 1, (10 * ids.Length) + 4);
        Assert.Throws<ArgumentException>(() => Encode(new LeaseRenewManyRequest([.. ids, 1])));
        Assert.Throws<ArgumentException>(() => Encode(new LeaseRenewManyRequest([])));
    }

    [Fact]
    public void The_longest_advance_of_the_lease_clock_is_decoded()
    {
        var longest = new LeaseClockAdvanceRequest(
            new LogIndex(1), LeaseClockAdvanceRequest.MaxMilliseconds, LeaseClockAdvanceRequest.MaxMilliseconds);
        Assert.Equal(longest, KvCommandCodec.Decode(Encode(longest)));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(5, 6)] // a part longer than the whole
    [InlineData(5, -1)]
    [InlineData(LeaseClockAdvanceRequest.MaxMilliseconds + 1, 0)]
    public void An_invalid_advance_of_the_lease_clock_is_not_encoded(long milliseconds, long sinceApplied) =>
        Assert.Throws<ArgumentException>(() => Encode(new LeaseClockAdvanceRequest(new LogIndex(1), milliseconds, sinceApplied)));

    [Theory]
    [InlineData(0, 10)] // no id
    [InlineData(1, 0)] // no time to live
    [InlineData(1, Lease.MaxTtlSeconds + 1)]
    public void An_invalid_lease_grant_is_not_encoded(long id, long ttl) =>
        Assert.Throws<ArgumentException>(() => Encode(new LeaseGrantRequest(id, ttl)));

    [Fact]
    public void A_put_decodes_to_its_fields()
    {
        var put = Assert.IsType<PutRequest>(
            KvCommandCodec.Decode(Encode(Put("key", "value") with { Lease = -5, PrevKv = true, IgnoreLease = true })));

        Assert.Equal(
            ("key", "value", -5, true, false, true),
            (Text(put.Key), Text(put.Value), put.Lease, put.PrevKv, put.IgnoreValue, put.IgnoreLease));
    }

    [Fact]
    public void A_truncated_command_is_rejected() =>
        RequestGenerators.Command.Sample(
            request =>
            {
                var bytes = Encode(request);
                for (var length = 0; length < bytes.Length; length++)
                    Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode(bytes.AsMemory(0, length)));
                Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode((byte[])[.. bytes, 0]));
            },
            iter: TestEffort.Of(300));

    [Fact]
    public void A_corrupted_command_is_rejected_or_decodes_canonically() =>
        Gen.Select(RequestGenerators.Command, Gen.Select(Gen.Int[0, 10_000], Gen.Byte).Array[1, 4]).Sample(
            (request, changes) =>
            {
                var bytes = Encode(request);
                foreach (var (at, value) in changes)
                    bytes[at % bytes.Length] = value;
                AssertRejectedOrCanonical(bytes);
            },
            iter: TestEffort.Of(8_000));

    [Fact]
    public void Random_bytes_are_rejected_or_decode_canonically() =>
        Gen.Select(Gen.Byte[1, 3], Gen.Byte[1, 11], Gen.Byte.Array[0, 60]).Sample(
            (format, kind, bytes) => AssertRejectedOrCanonical([format, kind, .. bytes]), iter: TestEffort.Of(8_000));

    [Fact]
    public void A_huge_element_count_allocates_nothing()
    {
        byte[] compares = [1, 3, 0xff, 0xff, 0xff, 0xff, 0x07];
        byte[] longKey = [1, 1, 0xff, 0xff, 0xff, 0xff, 0x07];
        Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode(compares));

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode(compares));
        Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode(longKey));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Nesting_depth_is_limited_in_reader_and_writer()
    {
        var deep = Txn();
        for (var i = 1; i < KvCommandCodec.MaxTxnDepth; i++)
            deep = Txn(then: [deep]);
        KvCommandCodec.Decode(Encode(deep));

        Assert.Throws<ArgumentException>(() => Encode(Txn(then: [deep])));
        var bytes = new List<byte> { 1 };
        for (var i = 0; i < 100_000; i++)
            bytes.AddRange([3, 0, 1]);
        Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode(bytes.ToArray()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("0001016B01760000")] // format 0
    [InlineData("0201016B01760000")] // format 2 has no puts
    [InlineData("0106F601D804")] // format 1 has no leases
    [InlineData("0301016B01760000")] // format 3 has no puts
    [InlineData("0401016B01760000")] // format 4
    [InlineData("020A0102")] // format 2 renews no more than one lease
    [InlineData("030A00")] // no lease to renew
    [InlineData("030A03F60101")] // a list shorter than its count
    [InlineData("030B000506")] // a part of the time that is longer than the whole
    [InlineData("030B0081C0CAF384A30200")] // more than the maximum
    [InlineData("0206000A")] // a lease without an id
    [InlineData("02060200")] // a lease without a time to live
    [InlineData("02060281B4C4C321")] // a time to live one second above the maximum
    [InlineData("0105016B")] // a range is not a command
    [InlineData("010400FF")] // bytes after the end
    [InlineData("0104808000")] // a padded number
    [InlineData("0104FFFFFFFFFFFFFFFFFF7F")] // a number of 65 bits
    [InlineData("0101016B01760008")] // an unknown flag
    [InlineData("01020301610000")] // an unknown kind of interval
    public void A_command_no_encoder_writes_is_rejected(string hex) =>
        Assert.Throws<KvCommandFormatException>(() => KvCommandCodec.Decode(Convert.FromHexString(hex)));

    private static void AssertRejectedOrCanonical(byte[] bytes)
    {
        try
        {
            var request = KvCommandCodec.Decode(bytes);
            Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(Encode(request)));
        }
        catch (KvCommandFormatException)
        {
            // Rejected, as required.
        }
    }

    private static TxnRequest Golden() => Txn(
        [Compare(CompareTarget.Version, "k", CompareResult.Equal, 1), CompareValue("k", CompareResult.NotEqual, "v")],
        then:
        [
            new RangeRequest(KeyInterval.From(Bytes("k")))
            {
                Revision = -1, Limit = 4, KeysOnly = true, SortOrder = SortOrder.Ascend, SortTarget = SortTarget.Value
            },
            Txn(then: [Put("a")])
        ],
        otherwise: [Delete("a") with { PrevKv = true }]);

    private static byte[] Encode(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommandCodec.Encode(request, bytes);
        return bytes.WrittenSpan.ToArray();
    }

    private static string GoldenFile([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", "kv-command-v1-v3.txt");

    private static string Hex(KvRequest request) => Convert.ToHexString(Encode(request));
}
