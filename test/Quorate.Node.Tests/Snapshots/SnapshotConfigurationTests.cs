using System.Buffers.Binary;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Snapshots;

public sealed class SnapshotConfigurationTests
{
    private const ulong Nonce = 77;

    [Fact]
    public void A_configuration_is_read_back_with_every_role()
    {
        foreach (var configuration in new[]
        {
            SnapshotGiven.Configuration,
            new Configuration([new NodeId(ulong.MaxValue)]),
            new Configuration(Enumerable.Range(1, 64).Select(static i => new NodeId((ulong)i))),
        })
        {
            var section = new byte[SnapshotConfiguration.SizeOf(configuration)];
            SnapshotConfiguration.Write(section, configuration, Nonce, 512);
            var read = SnapshotConfiguration.Read(section, Nonce, 512, "f", "");
            Assert.Equal(configuration.ToString(), read.ToString());
        }
    }

    /// <summary>A later version adds the address and the directory of a member to its record: this one reads what it knows.</summary>
    [Fact]
    public void A_longer_record_is_read_as_far_as_it_is_known()
    {
        var read = SnapshotConfiguration.Read(Section([Record(1, 24), Record(2, 16), Record(3, 300)]), Nonce, 512, "f", "");
        Assert.Equal([new NodeId(1), new NodeId(2), new NodeId(3)], read.Voters);
    }

    [Fact]
    public void A_record_of_an_unknown_kind_is_rejected()
    {
        byte[] record = Record(1, 16);
        record[2] = 2;
        var error = Assert.Throws<IOException>(() => SnapshotConfiguration.Read(Section([record]), Nonce, 512, "f", ""));
        Assert.Contains("a record of kind 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_that_does_not_fit_is_corruption()
    {
        foreach (var length in new[] { 0, 15, 17, 65535 })
        {
            var record = Record(1, 16);
            BinaryPrimitives.WriteUInt16LittleEndian(record, (ushort)length);
            var section = Section([record]);
            Assert.Throws<SnapshotCorruptionException>(() => SnapshotConfiguration.Read(section, Nonce, 512, "f", ""));
        }

        var missing = Section([]);
        BinaryPrimitives.WriteInt32LittleEndian(missing.AsSpan(4), 1);
        Seal(missing);
        Assert.Throws<SnapshotCorruptionException>(() => SnapshotConfiguration.Read(missing, Nonce, 512, "f", ""));
    }

    [Fact]
    public void A_configuration_without_voters_is_corruption() =>
        Assert.Throws<SnapshotCorruptionException>(() => SnapshotConfiguration.Read(Section([]), Nonce, 512, "f", ""));

    private static byte[] Record(ulong member, int length)
    {
        var record = new byte[length];
        record.AsSpan(16).Fill(0xEE);
        BinaryPrimitives.WriteUInt16LittleEndian(record, (ushort)length);
        (record[2], record[3]) = (1, 1);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), member);
        return record;
    }

    private static byte[] Section(byte[][] records)
    {
        byte[] section = [.. new byte[8], .. records.SelectMany(static r => r)];
        BinaryPrimitives.WriteInt32LittleEndian(section.AsSpan(4), records.Length);
        Seal(section);
        return section;
    }

    private static void Seal(byte[] section) =>
        BinaryPrimitives.WriteUInt32LittleEndian(section, Crc32C.Of(section.AsSpan(4)) ^ Sectors.SealOf(Nonce, 512));
}
