using System.Runtime.CompilerServices;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>
/// docs/formats/wal.md and identity.md: the bytes of format 2 never change. <c>QUORATE_REWRITE=1</c> rewrites them, for a new version only.
/// </summary>
public sealed class WalGoldenFileTests
{
    private static readonly string[] Names = [HardStateFile.Name, IdentityFile.Name, Segment.NameOf(1)];

    [Fact]
    public void The_log_writes_the_golden_files_of_format_2()
    {
        var disk = Written();
        foreach (var name in Names)
        {
            if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
                File.WriteAllBytes(PathOf(name), disk.BytesOf(name));
            Assert.True(File.ReadAllBytes(PathOf(name)).AsSpan().SequenceEqual(disk.BytesOf(name)),
                $"{name} is written differently from {PathOf(name)}");
        }
    }

    [Fact]
    public void The_log_reads_the_golden_files_of_format_2()
    {
        var disk = new MemoryStorage();
        foreach (var name in Names)
        {
            var bytes = File.ReadAllBytes(PathOf(name));
            using var file = disk.Create(name, bytes.Length);
            file.Write(0, bytes);
        }

        var (log, recovered) = WriteAheadLog.Open(disk, new WalOptions { PreallocateInBackground = false }, IdentityFile.Open(
            disk, 0xC0DE, new NodeId(0xA1), new Configuration([new NodeId(0xA1), new NodeId(0xB2), new NodeId(0xC3)])));
        using var _ = log;

        Assert.Equal(Given.Vote(3, 0xA1), recovered.HardState);
        Assert.Equal((new LogIndex(1), new LogIndex(5), new LogIndex(2)),
            (recovered.FirstIndex, recovered.LastIndex, recovered.CommitMark));
        Assert.Equal([Given.Id(1, 1), Given.Id(3, 4)], recovered.TermStarts);
        Given.AssertSameEntries(Entries(), Given.ReadAll(log));
    }

    private static MemoryStorage Written()
    {
        var options = Given.SmallSegments();
        var disk = new MemoryStorage();
        var identity = IdentityFile.Open(
            disk, 0xC0DE, new NodeId(0xA1), new Configuration([new NodeId(0xA1), new NodeId(0xB2), new NodeId(0xC3)]),
            new Dictionary<string, string> { ["name"] = "n 1", ["empty"] = "" }, static () => 0x5F1C_2D3E_4A5B_6C7D,
            ClusterVersion.Oldest);
        identity.TryRecordPeer(new NodeId(0xB2), new DirectoryId(0x0011_2233_4455_66AA));
        using var log = WriteAheadLog.Open(disk, options, identity).Log;
        var entries = Entries();
        var batch = new WalBatch(options);
        batch.SetHardState(Given.Vote(1, 0xB2));
        batch.Append(entries.AsSpan(0, 3));
        log.AppendAndFlush(batch);
        batch.Clear();
        batch.SetHardState(Given.Vote(3, 0xA1));
        batch.Append(entries.AsSpan(3));
        batch.SetCommitIndex(new LogIndex(2));
        log.AppendAndFlush(batch);
        return disk;
    }

    private static LogEntry[] Entries() =>
    [
        LogEntry.NoOp(new Term(1), new LogIndex(1)),
        new(Given.Id(1, 2), EntryKind.Command, new ProposalId(new NodeId(0xB2), 77), "put quorate"u8.ToArray()),
        new(Given.Id(1, 3), EntryKind.Command, new ProposalId(new NodeId(0xB2), 78), new byte[600]),
        LogEntry.NoOp(new Term(3), new LogIndex(4)),
        new(Given.Id(3, 5), EntryKind.Configuration, ProposalId.None, new byte[] { 1, 2, 3, 4, 5 }),
    ];

    private static string PathOf(string name, [CallerFilePath] string here = "") =>
        Path.Combine(
            Path.GetDirectoryName(here)!, "..", "Golden",
            name == IdentityFile.Name ? "identity-v1.txt" : $"wal-v2-{Path.GetFileNameWithoutExtension(name)}.bin");
}
