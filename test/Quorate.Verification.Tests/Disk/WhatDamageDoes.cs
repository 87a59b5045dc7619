using Quorate.Node.Io;
using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>The simulated disk damages what it is told to damage, and nothing else.</summary>
public sealed class WhatDamageDoes
{
    private readonly SimulatedDisk _disk = new(new VirtualTime(), new Counters());

    [Fact]
    public void One_bit_flips_and_stays_so_after_a_power_cut()
    {
        Flushed("a", 1);
        Assert.True(_disk.FlipBit(new Prng(3)));

        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));

        Assert.Equal(1, Read("a").Sum(static b => int.PopCount(b ^ 1)));
    }

    [Fact]
    public void What_is_not_flushed_yet_is_let_be()
    {
        _disk.Create("a", 1024).Write(0, Filled(1));

        Assert.False(_disk.FlipBit(new Prng(3)));
        Assert.False(_disk.MakeSectorUnreadable(new Prng(3)));
    }

    [Fact]
    public void A_lost_sector_cannot_be_read_until_it_is_written_again()
    {
        var file = Flushed("a", 1);
        Assert.True(_disk.MakeSectorUnreadable(new Prng(3)));
        Assert.Throws<IOException>(() => Read("a"));
        Assert.True(_disk.HasFailed);

        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Throws<IOException>(() => Read("a"));
        _ = file;
        _disk.Open("a").Write(0, Filled(2));

        Assert.Equal(Filled(2), Read("a"));
    }

    [Fact]
    public void A_misdirected_write_leaves_the_old_in_its_place_and_shows_once_something_is_flushed_behind_it()
    {
        Flushed("a", 9);
        var file = Flushed("b.log", 1, length: 4096);
        _disk.MisdirectWrite(new Prng(3));
        file.Write(1024, Filled(2));
        file.Flush();
        Assert.Equal(2, Read("b.log")[1024]);

        file.Write(2048, Filled(3));
        file.Flush();

        var (a, b) = (Read("a"), Read("b.log"));
        Assert.All(b[1024..2048], static old => Assert.Equal(1, old));
        Assert.Equal(3, b[2048]);
        Assert.Contains((byte)2, a.Concat(b[..1024]));
    }

    [Fact]
    public void A_misdirected_write_that_is_the_last_is_no_fault_at_all()
    {
        var file = Flushed("b.log", 1, length: 4096);
        _disk.MisdirectWrite(new Prng(3));
        file.Write(0, Filled(2));
        file.Flush();

        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));
        file = _disk.Open("b.log");
        file.Write(0, Filled(2));
        file.Write(1024, Filled(3));
        file.Flush();

        Assert.Equal(2, Read("b.log")[0]);
    }

    [Fact]
    public void A_garbled_sector_is_neither_old_nor_new_and_only_one_that_was_being_written()
    {
        var (garbled, whole) = (0, 0);
        for (var seed = 0UL; seed < 20; seed++)
        {
            var file = Flushed($"f{seed}", 1, length: 4096);
            file.Write(0, Filled(2));
            _disk.WriteGarbageAtPowerCut(new Prng(seed));
            _disk.PowerCut(PowerLossOutcome.Mixed, new Prng(seed));
            var bytes = Read($"f{seed}");
            Assert.All(bytes[1024..], static b => Assert.Equal(1, b));
            foreach (var sector in bytes[..1024].Chunk(512))
            {
                var isWhole = Array.TrueForAll(sector, static b => b == 1) || Array.TrueForAll(sector, static b => b == 2);
                (garbled, whole) = isWhole ? (garbled, whole + 1) : (garbled + 1, whole);
            }
        }

        Assert.True(garbled > 5 && whole > 5, $"{garbled} garbled, {whole} not");
    }

    /// <summary>What a quorum has acknowledged is whole at one member of every majority only if a minority at most is damaged.</summary>
    [Fact]
    public void The_atlas_names_a_minority()
    {
        for (var members = 1; members <= 7; members++)
        {
            for (var seed = 0UL; seed < 50; seed++)
            {
                var atlas = new FaultAtlas(members, new Prng(seed));
                for (var i = 0; i < 3 * members; i++)
                {
                    var member = new NodeId((ulong)((i % members) + 1));
                    if (atlas.Allows(member, DiskCorruptionKind.InPlace))
                        atlas.MarkCorrupted(member, DiskCorruptionKind.InPlace);
                }

                var damaged = Enumerable.Range(1, members).Count(m => atlas.IsCorrupted(new NodeId((ulong)m)));
                Assert.Equal(atlas.CorruptedDisksMax, damaged);
                Assert.True(2 * damaged < members);
            }
        }
    }

    [Fact]
    public void A_disk_that_misdirects_a_write_has_no_other_damage()
    {
        var atlas = new FaultAtlas(7, new Prng(Enumerable.Range(0, 100).Select(static s => (ulong)s).First(static s => new FaultAtlas(7, new Prng(s)).CorruptedDisksMax == 3)));
        var (one, other) = (new NodeId(1), new NodeId(2));
        atlas.MarkCorrupted(one, DiskCorruptionKind.Misdirected);
        atlas.MarkCorrupted(other, DiskCorruptionKind.InPlace);

        Assert.False(atlas.Allows(other, DiskCorruptionKind.Wiped) || atlas.Allows(one, DiskCorruptionKind.Wiped));
        Assert.False(atlas.Allows(one, DiskCorruptionKind.InPlace) || atlas.Allows(one, DiskCorruptionKind.Misdirected) || atlas.Allows(other, DiskCorruptionKind.Misdirected));
        Assert.True(atlas.Allows(other, DiskCorruptionKind.InPlace));
    }

    private static byte[] Filled(byte value, int length = 1024)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    private IStorageFile Flushed(string name, byte value, int length = 1024)
    {
        var file = _disk.Create(name, length);
        file.Write(0, Filled(value, length));
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
