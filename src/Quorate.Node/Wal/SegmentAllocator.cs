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
internal sealed class SegmentAllocator(IStorage storage, WalOptions options) : IDisposable
{
    private const string TemporaryName = "wal-next.new";
    private const int ChunkBytes = 256 * 1024;

    private readonly Queue<Segment> _spares = [];
    private Task<Segment?>? _preallocation;
    private PreallocationThrottle _throttle = new();

    /// <summary>Deletes what a crash left of a segment in the making.</summary>
    public static void RemoveUnfinished(IStorage storage)
    {
        if (storage.List().Contains(TemporaryName, StringComparer.Ordinal))
            storage.Delete(TemporaryName);
    }

    /// <summary>A segment that recovery found ready and unused.</summary>
    public void AddSpare(Segment spare) => _spares.Enqueue(spare);

    /// <summary>Has the one after <paramref name="current"/> made beside the writes, where that can be, as far as it should be by now. Asked after each of them.</summary>
    /// <exception cref="DiskFlushException">A flush of the segment in the making failed: the disk has broken its word, whichever file it was.</exception>
    public void Preallocate(Segment current)
    {
        if (!options.PreallocateInBackground || _spares.Count > 0)
            return;

        // Begun when an eighth of the present one is used, done when seven eighths are.
        var allowed = ((8 * current.Tail) - current.Header.FileBytes) * options.SegmentBytes / (6L * current.Header.FileBytes);
        if (allowed <= 0)
            return;
        if (_preallocation is null)
            StartPreallocation(current.Sequence + 1);
        else if (_preallocation is { IsFaulted: true, Exception.InnerException: DiskFlushException })
            _preallocation.GetAwaiter().GetResult();
        _throttle.AllowUpTo(allowed);
    }

    /// <summary>The next segment; waits for it if need be.</summary>
    /// <exception cref="IOException">There is no room for it. Nothing has changed, and it may be asked for again.</exception>
    public Segment Take(ulong sequence)
    {
        if (_spares.TryDequeue(out var spare))
            return spare;
        if (_preallocation is not { } preallocation)
            return Create(sequence, PreallocationThrottle.Unlimited)!;

        _preallocation = null;
        _throttle.AllowUpTo(long.MaxValue);
        try
        {
            return preallocation.GetAwaiter().GetResult()!;
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            // There was no room when it was tried ahead of need; by now there may be.
            return Create(sequence, PreallocationThrottle.Unlimited)!;
        }
    }

    /// <summary>Gives up the segment in the making, and closes those nobody used.</summary>
    public void Dispose()
    {
        if (_preallocation is { } preallocation)
        {
            _throttle.Cancel();
            try
            {
                preallocation.GetAwaiter().GetResult()?.Dispose();
            }
            catch (IOException)
            {
                // It was made for a later that does not come; the next start deletes what is left of it.
            }
        }

        while (_spares.TryDequeue(out var segment))
            segment.Dispose();
    }

    // A method of its own: what the task captures is allocated where it is captured, and Prepare is asked with every batch.
    private void StartPreallocation(ulong sequence)
    {
        var throttle = _throttle = new PreallocationThrottle();

        // It waits for the disk, so it has a thread: in a pool that has few, callers would wait for their answers meanwhile.
        _preallocation = Task.Factory.StartNew(() => Create(sequence, throttle), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Makes it at a pace; null when it was given up.</summary>
    private Segment? Create(ulong sequence, PreallocationThrottle throttle)
    {
        RemoveUnfinished(storage);
        var header = new SegmentHeader(options.SegmentBytes, sequence, options.GenerateNonce());
        bool isFilled;
        using (var file = storage.Create(TemporaryName, options.SegmentBytes))
            isFilled = Fill(file, header, throttle);
        if (!isFilled)
        {
            storage.Delete(TemporaryName);
            return null;
        }

        var name = Segment.NameOf(sequence);
        storage.Rename(TemporaryName, name);
        storage.FlushDirectory();
        return new Segment(storage.Open(name), header);
    }

    /// <summary>Fills and flushes it at a pace; false when it was given up.</summary>
    private static bool Fill(IStorageFile file, SegmentHeader header, PreallocationThrottle throttle)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (var offset = 0; offset < header.FileBytes; offset += ChunkBytes)
            {
                if (!throttle.IsAllowed(offset))
                {
                    // Flushed before each wait: the flush of the segment in use then never finds more than a chunk of this one before it.
                    if (offset > 0)
                        file.Flush();
                    if (!throttle.WaitUntilAllowed(offset))
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
