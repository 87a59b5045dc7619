using Quorate.Node.Storage;
using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>The simulated disk corrupts exactly what a fault injects, and the fault atlas limits how many members are corrupted.</summary>
public sealed class SimulatedDiskCorruptionTests
{
    private readonly SimulatedDisk _disk = new(new VirtualTime(), new RunCounters());

    [Fact]
    public void A_flipped_bit_survives_a_power_loss()
    {
        CreateFlushed("a", 1);
        Assert.True(_disk.FlipBit(new Prng(3)));

        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));

        Assert.Equal(1, Read("a").Sum(static b => int.PopCount(b ^ 1)));
    }

    [Fact]
    public void Unflushed_data_is_not_corrupted()
    {
        _disk.Create("a", 1024).Write(0, FilledWith(1));

        Assert.False(_disk.FlipBit(new Prng(3)));
        Assert.False(_disk.MakeSectorUnreadable(new Prng(3)));
    }

    [Fact]
    public void A_lost_sector_is_unreadable_until_it_is_rewritten()
    {
        var file = CreateFlushed("a", 1);
        Assert.True(_disk.MakeSectorUnreadable(new Prng(3)));
        Assert.Throws<IOException>(() => Read("a"));
        Assert.True(_disk.HasFailed);

        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Throws<IOException>(() => Read("a"));
        _ = file;
        _disk.Open("a").Write(0, FilledWith(2));

        Assert.Equal(FilledWith(2), Read("a"));
    }

    [Fact]
    public void A_misdirected_write_takes_effect_at_the_next_flush_after_it()
    {
        CreateFlushed("a", 9);
        var file = CreateFlushed("b.log", 1, length: 4096);
        _disk.MisdirectWrite(new Prng(3));
        file.Write(1024, FilledWith(2));
        file.Flush();
        Assert.Equal(2, Read("b.log")[1024]);

        file.Write(2048, FilledWith(3));
        file.Flush();

        var (a, b) = (Read("a"), Read("b.log"));
        Assert.All(b[1024..2048], static old => Assert.Equal(1, old));
        Assert.Equal(3, b[2048]);
        Assert.Contains((byte)2, a.Concat(b[..1024]));
    }

    [Fact]
    public void A_misdirected_last_write_has_no_effect()
    {
        var file = CreateFlushed("b.log", 1, length: 4096);
        _disk.MisdirectWrite(new Prng(3));
        file.Write(0, FilledWith(2));
        file.Flush();

        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));
        file = _disk.Open("b.log");
        file.Write(0, FilledWith(2));
        file.Write(1024, FilledWith(3));
        file.Flush();

        Assert.Equal(2, Read("b.log")[0]);
    }

    [Fact]
    public void Only_sectors_being_written_become_garbage_at_a_power_loss()
    {
        var (garbage, intact) = (0, 0);
        for (var seed = 0UL; seed < 20; seed++)
        {
            var file = CreateFlushed($"f{seed}", 1, length: 4096);
            file.Write(0, FilledWith(2));
            _disk.WriteGarbageAtPowerLoss(new Prng(seed));
            _disk.LosePower(PowerLossOutcome.Mixed, new Prng(seed));
            var bytes = Read($"f{seed}");
            Assert.All(bytes[1024..], static b => Assert.Equal(1, b));
            foreach (var sector in bytes[..1024].Chunk(512))
            {
                var isIntact = Array.TrueForAll(sector, static b => b == 1) || Array.TrueForAll(sector, static b => b == 2);
                (garbage, intact) = isIntact ? (garbage, intact + 1) : (garbage + 1, intact);
            }
        }

        Assert.True(garbage > 5 && intact > 5, $"{garbage} garbage sectors, {intact} intact ones");
    }

    /// <summary>
    /// An acknowledged entry is intact at one member of every majority only if at most a minority of the members is corrupted.
    /// </summary>
    [Fact]
    public void The_fault_atlas_limits_corruption_to_a_minority()
    {
        for (var members = 1; members <= 7; members++)
        {
            for (var seed = 0UL; seed < 50; seed++)
            {
                var atlas = new FaultAtlas(members, new Prng(seed), isRefined: false, changesMembers: false);
                for (var i = 0; i < 3 * members; i++)
                {
                    var member = new NodeId((ulong)((i % members) + 1));
                    if (atlas.Allows(member, DiskCorruptionKind.InPlace))
                        atlas.MarkCorrupted(member, DiskCorruptionKind.InPlace);
                }

                var corrupted = Enumerable.Range(1, members).Count(m => atlas.IsCorrupted(new NodeId((ulong)m)));
                Assert.Equal(atlas.CorruptedDisksMax, corrupted);
                Assert.True(2 * corrupted < members);
            }
        }
    }

    [Fact]
    public void A_disk_with_a_misdirected_write_gets_no_other_fault()
    {
        var seed = Enumerable.Range(0, 100)
            .Select(static s => (ulong)s)
            .First(static s => new FaultAtlas(7, new Prng(s), isRefined: false, changesMembers: false).CorruptedDisksMax == 3);
        var atlas = new FaultAtlas(7, new Prng(seed), isRefined: false, changesMembers: false);
        var (one, other) = (new NodeId(1), new NodeId(2));
        atlas.MarkCorrupted(one, DiskCorruptionKind.Misdirected);
        atlas.MarkCorrupted(other, DiskCorruptionKind.InPlace);

        Assert.False(atlas.Allows(other, DiskCorruptionKind.Wiped) || atlas.Allows(one, DiskCorruptionKind.Wiped));
        Assert.False(atlas.Allows(one, DiskCorruptionKind.InPlace) || atlas.Allows(one, DiskCorruptionKind.Misdirected)
            || atlas.Allows(other, DiskCorruptionKind.Misdirected));
        Assert.True(atlas.Allows(other, DiskCorruptionKind.InPlace));
    }

    private static byte[] FilledWith(byte value, int length = 1024)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    private IStorageFile CreateFlushed(string name, byte value, int length = 1024)
    {
        var file = _disk.Create(name, length);
        file.Write(0, FilledWith(value, length));
        file.Flush();
        _disk.FlushDirectory();
        return file;
    }

    private byte[] Read(string name)
    {
        using var file = _disk.Open(name);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return bytes;
    }
}
