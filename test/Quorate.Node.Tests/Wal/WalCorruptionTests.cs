using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>When bytes change at rest, the log returns exactly what was written, or reports the corruption.</summary>
public sealed class WalCorruptionTests
{
    private const int SectorBytes = 512;
    private static readonly WalOptions Options = Given.SmallSegments();

    /// <summary>Every byte of every file: headers, entries, padding, sectors that were never written, term and vote.</summary>
    [Fact]
    public void A_flipped_byte_is_reported_or_harmless()
    {
        var pristine = SmallLog(out var written);
        var disk = pristine.Copy();
        var (named, harmless) = (0, 0);
        foreach (var name in pristine.List())
        {
            for (var at = 0; at < pristine.BytesOf(name).Length; at += TestEffort.Stride)
            {
                disk.BytesOf(name)[at] ^= (byte)(1 << (at % 8));
                var calls = disk.Calls;
                if (ReportsCorruptionOrIsIntact(disk, name, written, $"{name} byte {at}"))
                    named++;
                else
                    harmless++;

                // A recovery may have written; the next flip must not start from the result.
                if (disk.Calls == calls)
                    disk.BytesOf(name)[at] = pristine.BytesOf(name)[at];
                else
                    disk = pristine.Copy();
            }
        }

        Assert.True(named > TestEffort.Of(10_000), $"only {named} flips were detected, {harmless} were harmless");
    }

    /// <summary>The same while the log is open: nothing is cached as valid, every read verifies.</summary>
    [Fact]
    public void A_byte_flipped_under_an_open_log_is_never_returned()
    {
        var disk = SmallLog(out var written);
        using var log = Given.OpenLog(disk, Options).Log;
        foreach (var name in disk.List().Where(static n => Segment.TryParseName(n, out _)))
        {
            var bytes = disk.BytesOf(name);
            for (var at = 0; at < bytes.Length; at += 3)
            {
                bytes[at] ^= 0x40;
                try
                {
                    Given.AssertSameEntries(written.Entries, Given.ReadAll(log));
                }
                catch (WalCorruptionException e)
                {
                    Assert.Equal(name, e.File);
                    Assert.Contains("entry ", e.Message, StringComparison.Ordinal);
                }

                bytes[at] ^= 0x40;
            }
        }
    }

    /// <summary>
    /// Zeroes, a sector of another place or another file, a lost write: the log never returns fewer entries than were acknowledged.
    /// </summary>
    [Fact]
    public void An_overwritten_sector_is_reported_or_harmless()
    {
        var pristine = SmallLog(out var written);
        var files = pristine.List();
        var random = new Random(5);
        foreach (var name in files)
        {
            for (var at = 0; at < pristine.BytesOf(name).Length; at += SectorBytes)
            {
                var from = pristine.BytesOf(files[random.Next(files.Count)]);
                var sector = new byte[SectorBytes];
                var source = from.AsSpan(random.Next((from.Length + SectorBytes - 1) / SectorBytes) * SectorBytes);
                source[..Math.Min(SectorBytes, source.Length)].CopyTo(sector);
                foreach (var content in new[] { new byte[SectorBytes], sector })
                {
                    var disk = pristine.Copy();
                    var target = disk.BytesOf(name).AsSpan(at);
                    content.AsSpan(0, Math.Min(SectorBytes, target.Length)).CopyTo(target);
                    ReportsCorruptionOrIsIntact(disk, name, written, $"{name} sector at {at}");
                }
            }
        }
    }

    /// <summary>
    /// CORDS: data that cannot be read is lost, and the log can only report it. Nothing is truncated for it, and nothing after the log's
    /// end matters.
    /// </summary>
    [Fact]
    public void An_unreadable_sector_is_reported_or_harmless()
    {
        var pristine = SmallLog(out var written);
        var named = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var name in pristine.List())
        {
            for (var at = 0; at < pristine.BytesOf(name).Length; at += SectorBytes)
            {
                var disk = pristine.Copy();
                disk.Unreadable = (name, at);
                if (ReportsCorruptionOrIsIntact(disk, name, written, $"{name} sector at {at}"))
                    named[name] = named.GetValueOrDefault(name) + 1;
            }
        }

        Assert.False(named.ContainsKey(HardStateFile.Name), "one copy of two is enough");
        Assert.InRange(named[Segment.NameOf(1)], 25, 32);
    }

    [Fact]
    public void An_unreadable_entry_of_an_open_log_is_never_skipped()
    {
        var disk = SmallLog(out _);
        using var log = Given.OpenLog(disk, Options).Log;
        disk.Unreadable = (Segment.NameOf(1), 5 * SectorBytes);

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.ReadAll(log));

        Assert.Equal(Segment.NameOf(1), corruption.File);
        Assert.Contains("cannot read", corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// What distinguishes a torn write from corruption: a frame followed by another one was flushed, whatever is missing of it now.
    /// </summary>
    [Fact]
    public void A_lost_sector_before_a_later_frame_is_corruption()
    {
        var pristine = SmallLog(out _);
        var blank = new MemoryStorage();
        Given.OpenLog(blank, Given.SmallSegments()).Log.Dispose();
        var name = Segment.NameOf(1);
        var last = LastWrittenSector(pristine.BytesOf(name), blank.BytesOf(name));
        Assert.True(last > 20 * SectorBytes);

        for (var at = SectorBytes; at <= last; at += SectorBytes)
        {
            var disk = pristine.Copy();
            blank.BytesOf(name).AsSpan(at, SectorBytes).CopyTo(disk.BytesOf(name).AsSpan(at));

            var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, Options));
            Assert.Equal(name, corruption.File);
            Assert.InRange(corruption.Offset, 1, at);
        }
    }

    /// <summary>A frame that no other frame follows is truncated, and the report states this.</summary>
    [Fact]
    public void A_last_frame_with_a_lost_sector_is_truncated_and_reported()
    {
        var options = Given.SmallSegments();
        var disk = new MemoryStorage();
        var blank = new MemoryStorage();
        Given.OpenLog(blank, Given.SmallSegments()).Log.Dispose();
        using (var log = Given.OpenLog(disk, options).Log)
        {
            log.AppendAndFlush(Given.Batch(options, Given.Entries(1, 2, term: 0)));
            log.AppendAndFlush(Given.Batch(options, Given.Entry(3, term: 0, payloadBytes: 2000)));
        }

        var name = Segment.NameOf(1);
        blank.BytesOf(name).AsSpan(3 * SectorBytes, SectorBytes).CopyTo(disk.BytesOf(name).AsSpan(3 * SectorBytes));
        var (reopened, recovered) = Given.OpenLog(disk, options);
        using var _ = reopened;

        Assert.Equal(new LogIndex(2), recovered.LastIndex);
        Assert.Contains("a torn write", recovered.TruncatedTail, StringComparison.Ordinal);
        Assert.Contains(name, recovered.TruncatedTail, StringComparison.Ordinal);
    }

    /// <summary>A missing segment, the newest included, is reported; the other files are there twice.</summary>
    [Fact]
    public void A_missing_file_is_reported_as_corruption_or_created_again()
    {
        var pristine = SmallLog(out var written);
        Assert.Equal(
            ["hardstate", "hardstate-copy", "identity", "identity-copy", Segment.NameOf(1), Segment.NameOf(2)], pristine.List());
        foreach (var name in pristine.List())
        {
            var disk = pristine.Copy();
            disk.Delete(name);
            Assert.Equal(
                Segment.TryParseName(name, out _), ReportsCorruptionOrIsIntact(disk, name, written, $"{name} is deleted"));
            Assert.True(Segment.TryParseName(name, out _) || disk.List().Contains(name, StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Both_copies_of_a_file_missing_are_reported_as_corruption()
    {
        foreach (var (name, copy) in new[] { ("hardstate", "hardstate-copy"), ("identity", "identity-copy") })
        {
            var disk = SmallLog(out _);
            disk.Delete(name);
            disk.Delete(copy);
            var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(disk, Options));
            Assert.Contains("missing", corruption.Message, StringComparison.Ordinal);
            Assert.Equal(name, corruption.File);
        }
    }

    [Fact]
    public void A_truncated_file_is_reported_or_harmless()
    {
        var pristine = SmallLog(out var written);
        foreach (var name in pristine.List())
        {
            for (var length = 0; length < pristine.BytesOf(name).Length; length += 100)
            {
                var disk = pristine.Copy();
                using (var file = disk.Open(name))
                    file.SetLength(length);
                ReportsCorruptionOrIsIntact(disk, name, written, $"{name} cut to {length}");
            }
        }
    }

    // Two segments with frames in them, and term and vote. Returns true when the corruption was reported.
    private static bool ReportsCorruptionOrIsIntact(MemoryStorage disk, string name, WalModel written, string where)
    {
        WriteAheadLog log;
        RecoveredLog recovered;
        try
        {
            (log, recovered) = Given.OpenLog(disk, Options);
        }
        catch (WalCorruptionException e)
        {
            Assert.NotEmpty(e.File);
            Assert.True(Segment.TryParseName(name, out _), $"{where}: another file has the same content, but {e.Message}");
            return true;
        }

        using (log)
        {
            Assert.True(recovered.LastIndex.Value == written.Last && recovered.HardState == written.HardState,
                $"{where}: found up to {recovered.LastIndex} with {recovered.HardState}");
            Given.AssertSameEntries(written.Entries, Given.ReadAll(log));
        }

        return false;
    }

    private static MemoryStorage SmallLog(out WalModel written)
    {
        var options = Given.SmallSegments();
        var disk = new MemoryStorage();
        using var log = Given.OpenLog(disk, options).Log;
        var entries = Given.Entries(1, 22, term: 2, payloadBytes: 900);
        for (var i = 0; i < entries.Length; i += 2)
        {
            var batch = Given.Batch(options, entries.AsSpan(i, 2));
            batch.SetHardState(Given.Vote(2, i < 10 ? 0ul : 3));
            batch.SetCommitIndex(new LogIndex((ulong)i));
            log.AppendAndFlush(batch);
        }

        written = new WalModel(1, entries, Given.Vote(2, 3));
        return disk;
    }

    private static int LastWrittenSector(byte[] bytes, byte[] blank)
    {
        var at = bytes.Length - SectorBytes;
        while (bytes.AsSpan(at, SectorBytes).SequenceEqual(blank.AsSpan(at, SectorBytes)))
            at -= SectorBytes;
        return at;
    }
}
