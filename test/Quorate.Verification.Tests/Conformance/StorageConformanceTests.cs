using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Verification.Conformance;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Conformance;

/// <summary>Our storages do what <see cref="IStorage"/> documents, and the suite detects those that do not.</summary>
public sealed class StorageConformanceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-conformance-").FullName;
    private int _created;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Real_files_conform() => StorageConformance.Run(new StorageConformanceOptions
    {
        NewDirectory = () =>
        {
            var path = Path.Combine(_directory, $"{++_created}");
            return () => new FileStorage(path);
        },
    });

    [Fact]
    public void The_storage_in_memory_conforms() => StorageConformance.Run(InMemory(StorageFault.None));

    [Fact]
    public void The_simulated_disk_conforms() => StorageConformance.Run(new StorageConformanceOptions
    {
        NewDirectory = static () =>
        {
            var disk = new SimulatedDisk(new VirtualTime(), new RunCounters());
            return () => disk;
        },
        AfterPowerLoss = static storage => ((SimulatedDisk)storage).DurableCopy(),
        IsExclusive = false,
        IsUsedByThreads = false,
    });

    [Theory]
    [InlineData(StorageFault.ListIsUnsorted, "List returns the names in ordinal order", "List returned [")]
    [InlineData(StorageFault.CreateReplaces, "Create does not touch an existing file", "Create of a name that exists succeeded")]
    [InlineData(StorageFault.CreateLeavesGarbage, "a created file has its length and is zero", "byte 0 is 238, expected 0")]
    [InlineData(StorageFault.OpenCreates, "a missing file is an IOException", "Open of a name that does not exist succeeded")]
    [InlineData(StorageFault.OpenThrowsAnotherType, "a missing file is an IOException", "threw KeyNotFoundException, expected IOException")]
    [InlineData(StorageFault.ReadsAreShort, "a created file has its length and is zero", "a read of 3000 bytes at 0 returned 1000")]
    [InlineData(StorageFault.ReadThrowsAtEnd, "a read beyond the end returns fewer bytes", "the storage threw EndOfStreamException")]
    [InlineData(StorageFault.WritesDoNotExtend, "a write beyond the end extends the file with zeroes", "the storage threw IOException")]
    [InlineData(StorageFault.WritesAtMultiplesOfEight, "a read returns what was written", "byte 504")]
    [InlineData(StorageFault.SetLengthIgnored, "SetLength truncates and extends with zeroes", "after SetLength(1000), the file has 3000")]
    [InlineData(StorageFault.RenameCopies, "a renamed file keeps its content and replaces the other", "List returned [a, b], expected [b]")]
    [InlineData(
        StorageFault.RenameDoesNotReplace, "a renamed file keeps its content and replaces the other", "the storage threw IOException")]
    [InlineData(StorageFault.DeleteIgnored, "a deleted file is gone and its name is free", "List returned [a, b], expected [b]")]
    [InlineData(StorageFault.HandlesAreBuffered, "Create does not touch an existing file", "bytes that differ")]
    [InlineData(StorageFault.BelongsToOneThread, "files can be used by several threads", "InvalidOperationException: wrong thread")]
    [InlineData(StorageFault.IsNotExclusive, "a directory is opened once at a time", "opening a directory that is open succeeded")]
    [InlineData(StorageFault.FlushIgnored, "flushed data survives a power loss", "returned 0")]
    [InlineData(StorageFault.FlushDirectoryIgnored, "flushed data survives a power loss", "List returned [], expected [a]")]
    public void A_storage_with_a_fault_is_detected(StorageFault fault, string check, string message)
    {
        var error = Assert.Throws<ConformanceException>(() => StorageConformance.Run(InMemory(fault)));

        Assert.Equal(check, error.Check);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(check, StorageConformance.Checks);
    }

    private static StorageConformanceOptions InMemory(StorageFault fault) => new()
    {
        NewDirectory = () =>
        {
            var disk = new MemoryStorage();
            return () => new FaultyStorage(disk, fault);
        },
        AfterPowerLoss = static storage =>
            ((FaultyStorage)storage).Inner.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped),
        IsExclusive = fault == StorageFault.IsNotExclusive,
        IsUsedByThreads = fault == StorageFault.BelongsToOneThread,
    };
}
