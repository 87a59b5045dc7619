using Quorate.Node.Io;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>The simulated disk keeps what was flushed and nothing else for certain: a disk that is too kind proves nothing.</summary>
public sealed class WhatAPowerCutLeaves
{
    private readonly SimulatedDisk _disk = new(new VirtualTime(), new Counters());

    [Theory]
    [InlineData(PowerLossOutcome.Dropped, 1)]
    [InlineData(PowerLossOutcome.Kept, 2)]
    internal void What_was_written_and_not_flushed_is_gone_or_there(PowerLossOutcome policy, byte left)
    {
        var file = Flushed("a", 1);
        file.Write(0, Filled(2));

        _disk.PowerCut(policy, new Prng(1));

        Assert.Equal(left, FirstByte("a"));
    }

    [Fact]
    public void Sectors_of_one_write_may_be_kept_and_lost()
    {
        var kept = new SortedSet<int>();
        for (var seed = 0UL; seed < 20; seed++)
        {
            var file = Flushed($"f{seed}", 1);
            file.Write(0, Filled(2));
            _disk.PowerCut(PowerLossOutcome.Mixed, new Prng(seed));
            var bytes = new byte[1024];
            _disk.Open($"f{seed}").Read(0, bytes);
            kept.Add((bytes[0] * 10) + bytes[512]);
        }

        Assert.Equal([11, 12, 21, 22], kept);
    }

    [Fact]
    public void A_name_is_durable_with_its_folder_only()
    {
        Flushed("a", 1);
        using (var file = _disk.Create("b", 512))
            file.Flush();
        _disk.Delete("a");

        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));

        Assert.Equal(["a"], _disk.List());
    }

    [Fact]
    public void A_rename_is_durable_with_its_folder_only()
    {
        Flushed("a", 1);
        Flushed("b", 2);
        _disk.Rename("a", "b");
        Assert.Equal(["b"], _disk.List());

        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));

        Assert.Equal(["a", "b"], _disk.List());
        Assert.Equal(2, FirstByte("b"));
    }

    [Fact]
    public void After_a_failed_flush_the_next_one_succeeds_and_writes_nothing()
    {
        var file = Flushed("a", 1);
        file.Write(0, Filled(2));
        _disk.FailFlush();
        Assert.Throws<DiskFlushException>(file.Flush);

        file.Flush();

        Assert.Equal(2, FirstByte("a"));
        Assert.False(_disk.IsClean);
        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Equal(1, FirstByte("a"));
    }

    [Fact]
    public void What_is_written_again_after_a_failed_flush_can_be_flushed()
    {
        var file = Flushed("a", 1);
        file.Write(0, Filled(2));
        _disk.FailFlush();
        Assert.Throws<DiskFlushException>(file.Flush);

        file.Write(0, Filled(2));
        file.Flush();

        Assert.True(_disk.IsClean);
        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Equal(2, FirstByte("a"));
    }

    [Fact]
    public void A_killed_process_leaves_what_it_wrote_to_be_seen_and_to_be_lost()
    {
        Flushed("a", 1).Write(0, Filled(2));

        _disk.OnProcessStart();

        Assert.Equal(2, FirstByte("a"));
        _disk.PowerCut(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Equal(1, FirstByte("a"));
    }

    private static byte[] Filled(byte value)
    {
        var bytes = new byte[1024];
        Array.Fill(bytes, value);
        return bytes;
    }

    private IStorageFile Flushed(string name, byte value)
    {
        var file = _disk.Create(name, 1024);
        file.Write(0, Filled(value));
        file.Flush();
        _disk.FlushDirectory();
        return file;
    }

    private int FirstByte(string name)
    {
        var bytes = new byte[1];
        _disk.Open(name).Read(0, bytes);
        return bytes[0];
    }
}
