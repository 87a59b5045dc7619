using Quorate.Node.Storage;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>
/// The simulated disk guarantees only flushed data after a power cut: a more reliable simulated disk would hide missing flushes.
/// </summary>
public sealed class SimulatedDiskPowerLossTests
{
    private readonly SimulatedDisk _disk = new(new VirtualTime(), new RunCounters());

    [Theory]
    [InlineData(PowerLossOutcome.Dropped, 1)]
    [InlineData(PowerLossOutcome.Kept, 2)]
    internal void Unflushed_writes_are_kept_or_lost_by_policy(PowerLossOutcome policy, byte left)
    {
        var file = CreateFlushed("a", 1);
        file.Write(0, FilledWith(2));

        _disk.LosePower(policy, new Prng(1));

        Assert.Equal(left, FirstByte("a"));
    }

    [Fact]
    public void Sectors_of_one_write_survive_independently()
    {
        var kept = new SortedSet<int>();
        for (var seed = 0UL; seed < 20; seed++)
        {
            var file = CreateFlushed($"f{seed}", 1);
            file.Write(0, FilledWith(2));
            _disk.LosePower(PowerLossOutcome.Mixed, new Prng(seed));
            var bytes = new byte[1024];
            _disk.Open($"f{seed}").Read(0, bytes);
            kept.Add((bytes[0] * 10) + bytes[512]);
        }

        Assert.Equal([11, 12, 21, 22], kept);
    }

    [Fact]
    public void A_file_name_is_durable_only_after_a_directory_flush()
    {
        CreateFlushed("a", 1);
        using (var file = _disk.Create("b", 512))
            file.Flush();
        _disk.Delete("a");

        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));

        Assert.Equal(["a"], _disk.List());
    }

    [Fact]
    public void A_rename_is_durable_only_after_a_directory_flush()
    {
        CreateFlushed("a", 1);
        CreateFlushed("b", 2);
        _disk.Rename("a", "b");
        Assert.Equal(["b"], _disk.List());

        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));

        Assert.Equal(["a", "b"], _disk.List());
        Assert.Equal(2, FirstByte("b"));
    }

    [Fact]
    public void A_flush_after_a_failed_flush_succeeds_and_writes_nothing()
    {
        var file = CreateFlushed("a", 1);
        file.Write(0, FilledWith(2));
        _disk.FailFlush();
        Assert.Throws<DiskFlushException>(file.Flush);

        file.Flush();

        Assert.Equal(2, FirstByte("a"));
        Assert.False(_disk.IsClean);
        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Equal(1, FirstByte("a"));
    }

    [Fact]
    public void Data_rewritten_after_a_failed_flush_can_be_flushed()
    {
        var file = CreateFlushed("a", 1);
        file.Write(0, FilledWith(2));
        _disk.FailFlush();
        Assert.Throws<DiskFlushException>(file.Flush);

        file.Write(0, FilledWith(2));
        file.Flush();

        Assert.True(_disk.IsClean);
        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Equal(2, FirstByte("a"));
    }

    [Fact]
    public void Writes_of_a_killed_process_are_visible_but_not_durable()
    {
        CreateFlushed("a", 1).Write(0, FilledWith(2));

        _disk.OnProcessStart();

        Assert.Equal(2, FirstByte("a"));
        _disk.LosePower(PowerLossOutcome.Dropped, new Prng(1));
        Assert.Equal(1, FirstByte("a"));
    }

    private static byte[] FilledWith(byte value)
    {
        var bytes = new byte[1024];
        Array.Fill(bytes, value);
        return bytes;
    }

    private IStorageFile CreateFlushed(string name, byte value)
    {
        var file = _disk.Create(name, 1024);
        file.Write(0, FilledWith(value));
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
