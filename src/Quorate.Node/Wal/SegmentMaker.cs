using System.Buffers;
using Quorate.Node.Io;

namespace Quorate.Node.Wal;

/// <summary>Makes new segments, filled and flushed before they get their name; the next one ahead of need.</summary>
/// <remarks>
/// Filled, not only allocated: on ext4 fdatasync into blocks that were written before takes 60 % of its time into blocks that are merely
/// allocated, whose state must go through the journal first (bench/results/wal.md). A crash while a segment is made leaves a file with the
/// temporary name, which the next start deletes.
/// Threading: the disk thread, and one that this object owns while it fills the next segment.
/// </remarks>
internal sealed class SegmentMaker(IDisk disk, WalOptions options) : IDisposable
{
    private const string TemporaryName = "wal-next.new";
    private const int ChunkBytes = 256 * 1024;

    private readonly Queue<Segment> _ready = [];
    private Task<Segment?>? _preparing;
    private FillPace _pace = new();

    /// <summary>Deletes what a crash left of a segment in the making.</summary>
    public static void RemoveUnfinished(IDisk disk)
    {
        if (disk.List().Contains(TemporaryName, StringComparer.Ordinal))
            disk.Delete(TemporaryName);
    }

    /// <summary>A segment that recovery found ready and unused.</summary>
    public void Keep(Segment unused) => _ready.Enqueue(unused);

    /// <summary>Has the one after <paramref name="current"/> made beside the writes, where that can be, as far as it should be by now. Asked after each of them.</summary>
    /// <exception cref="DiskFlushException">A flush of the segment in the making failed: the disk has broken its word, whichever file it was.</exception>
    public void Prepare(Segment current)
    {
        if (!options.PrepareInBackground || _ready.Count > 0)
            return;

        // Begun when an eighth of the present one is used, done when seven eighths are.
        var wanted = ((8 * current.Tail) - current.Header.FileBytes) * options.SegmentBytes / (6L * current.Header.FileBytes);
        if (wanted <= 0)
            return;
        if (_preparing is null)
            Begin(current.Sequence + 1);
        else if (_preparing is { IsFaulted: true, Exception.InnerException: DiskFlushException })
            _preparing.GetAwaiter().GetResult();
        _pace.WantUpTo(wanted);
    }

    /// <summary>The next segment; waits for it if need be.</summary>
    /// <exception cref="IOException">There is no room for it. Nothing has changed, and it may be asked for again.</exception>
    public Segment Take(ulong sequence)
    {
        if (_ready.TryDequeue(out var ready))
            return ready;
        if (_preparing is not { } preparing)
            return Make(sequence, FillPace.Full)!;

        _preparing = null;
        _pace.WantUpTo(long.MaxValue);
        try
        {
            return preparing.GetAwaiter().GetResult()!;
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            // There was no room when it was tried ahead of need; by now there may be.
            return Make(sequence, FillPace.Full)!;
        }
    }

    /// <summary>Gives up the segment in the making, and closes those nobody used.</summary>
    public void Dispose()
    {
        if (_preparing is { } preparing)
        {
            _pace.GiveUp();
            try
            {
                preparing.GetAwaiter().GetResult()?.Dispose();
            }
            catch (IOException)
            {
                // It was made for a later that does not come; the next start deletes what is left of it.
            }
        }

        while (_ready.TryDequeue(out var segment))
            segment.Dispose();
    }

    // A method of its own: what the task captures is allocated where it is captured, and Prepare is asked with every batch.
    private void Begin(ulong sequence)
    {
        var pace = _pace = new FillPace();

        // It waits for the disk, so it has a thread: in a pool that has few, callers would wait for their answers meanwhile.
        _preparing = Task.Factory.StartNew(() => Make(sequence, pace), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Makes it at a pace; null when it was given up.</summary>
    private Segment? Make(ulong sequence, FillPace pace)
    {
        RemoveUnfinished(disk);
        var header = new SegmentHeader(options.SegmentBytes, sequence, options.DrawNonce());
        bool isFilled;
        using (var file = disk.Create(TemporaryName, options.SegmentBytes))
            isFilled = Fill(file, header, pace);
        if (!isFilled)
        {
            disk.Delete(TemporaryName);
            return null;
        }

        var name = Segment.NameOf(sequence);
        disk.Rename(TemporaryName, name);
        disk.FlushFolder();
        return new Segment(disk.Open(name), header);
    }

    /// <summary>Fills and flushes it at a pace; false when it was given up.</summary>
    private static bool Fill(IDiskFile file, SegmentHeader header, FillPace pace)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (var offset = 0; offset < header.FileBytes; offset += ChunkBytes)
            {
                if (!pace.IsWanted(offset))
                {
                    // Flushed before each wait: the flush of the segment in use then never finds more than a chunk of this one before it.
                    if (offset > 0)
                        file.Flush();
                    if (!pace.WaitUntilWanted(offset))
                        return false;
                }

                var bytes = chunk.AsSpan(0, Math.Min(ChunkBytes, header.FileBytes - offset));
                Sectors.FillUnwritten(bytes, header.Nonce, offset);
                if (offset == 0)
                    header.Write(bytes);
                file.Write(offset, bytes);
            }

            file.Flush();
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
