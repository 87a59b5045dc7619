using System.Buffers;
using Quorate.Node.Storage;

namespace Quorate.Node.Wal;

/// <summary>Creates segments, which are filled and flushed before they receive their name. The next segment is preallocated.</summary>
/// <remarks>
/// Segments are filled, not only allocated: on ext4, fdatasync of blocks that were written before takes 60 % of the time of fdatasync of
/// blocks that are merely allocated, whose state must go through the journal first (bench/results/wal.md). A crash during the creation
/// leaves a file with the temporary name, which the next start deletes.
/// The identity file records each segment before it is used. Where a crash comes between, the next start finds a segment that is not
/// recorded and holds nothing.
/// When the disk is full, the reserve is released and becomes the next segment. Without a reserve no segment can be created, and the caller
/// repeats the call until there is space (docs/operating/disks.md).
/// Threading: the disk thread, and a thread that this object owns while it fills the next segment.
/// </remarks>
internal sealed class SegmentAllocator(IStorage storage, WalOptions options, IdentityFile identity) : IDisposable
{
    private const string TemporaryName = "wal-next.new";
    private const int ChunkBytes = 256 * 1024;

    private readonly ReserveFile _reserve = new(storage, options.SegmentBytes);
    private readonly Queue<Segment> _spares = [];
    private Task<Segment?>? _preallocation;
    private PreallocationThrottle _throttle = new();

    /// <summary>
    /// Why space is short: the next segment or the reserve could not be created; null if both could, as far as was tried.
    /// </summary>
    public IOException? Shortage { get; private set; }

    /// <summary>Deletes the unfinished segment that a crash left behind.</summary>
    public static void RemoveUnfinished(IStorage storage)
    {
        if (storage.List().Contains(TemporaryName, StringComparer.Ordinal))
            storage.Delete(TemporaryName);
    }

    /// <summary>Adds a spare segment that recovery found.</summary>
    public void AddSpare(Segment spare) => _spares.Enqueue(spare);

    /// <summary>
    /// Starts or continues the background creation of the segment after <paramref name="current"/>, as far as it should have come by now.
    /// Called after each write.
    /// </summary>
    /// <exception cref="DiskFlushException">
    /// A flush of the segment being created failed: whichever file it was, the disk cannot be relied on any more.
    /// </exception>
    public void Preallocate(Segment current)
    {
        if (!options.PreallocateInBackground || _spares.Count > 0)
            return;

        // Starts when an eighth of the current segment is used, and ends when seven eighths are.
        var allowed = ((8 * current.Tail) - current.Header.FileBytes) * options.SegmentBytes / (6L * current.Header.FileBytes);
        if (allowed <= 0)
            return;
        if (_preallocation is null)
            StartPreallocation(current.Sequence + 1);
        else if (_preallocation is { IsFaulted: true })
            ObserveFailure(_preallocation);
        _throttle.AllowUpTo(allowed);
    }

    /// <summary>Returns the next segment; blocks until it is ready.</summary>
    /// <exception cref="IOException">No space is left for it. Nothing has changed, and the call may be repeated.</exception>
    public Segment Take(ulong sequence)
    {
        if (_spares.TryDequeue(out var spare))
            return spare;
        if (_preallocation is not { } preallocation)
            return CreateNow(sequence);

        _preallocation = null;
        _throttle.AllowUpTo(long.MaxValue);
        try
        {
            return preallocation.GetAwaiter().GetResult()!;
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            // No space was left during the preallocation; there may be space by now.
            return CreateNow(sequence);
        }
    }

    /// <summary>Creates the reserve if it is missing. Called at the start, and while space is short.</summary>
    /// <returns>Whether there is space for the reserve and the next segment.</returns>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public bool TryRestoreReserve()
    {
        IOException? failure = null;
        if ((!options.KeepReserve || _reserve.TryCreate(out failure)) && (Shortage is null || HasSpaceForNext(out failure)))
        {
            Shortage = null;
            return true;
        }

        Shortage = failure;
        return false;
    }

    /// <summary>Cancels the preallocation, and closes unused segments.</summary>
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
                // The preallocated segment is no longer needed; the next start deletes the unfinished file.
            }
        }

        while (_spares.TryDequeue(out var segment))
            segment.Dispose();
    }

    /// <summary>Creates a segment at once, in the space of the reserve if there is no other.</summary>
    private Segment CreateNow(ulong sequence)
    {
        try
        {
            return Create(sequence, PreallocationThrottle.Unlimited)!;
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            Shortage = e;
            if (!_reserve.TryRelease())
                throw;
            return Create(sequence, PreallocationThrottle.Unlimited)!;
        }
    }

    private bool HasSpaceForNext(out IOException? failure)
    {
        failure = null;
        if (_spares.Count > 0 || _preallocation is { IsFaulted: false })
            return true;
        try
        {
            if (_preallocation is { } failed)
                ObserveFailure(failed);
            RemoveUnfinished(storage);
            storage.Create(TemporaryName, options.SegmentBytes).Dispose();
            storage.Delete(TemporaryName);

            // The next write starts it again.
            _preallocation = null;
            return true;
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            failure = e;
            return false;
        }
    }

    private void ObserveFailure(Task<Segment?> preallocation)
    {
        try
        {
            preallocation.GetAwaiter().GetResult();
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            Shortage ??= e;
        }
    }

    // A separate method: the closure is allocated in the method that captures, and Preallocate runs with every batch.
    private void StartPreallocation(ulong sequence)
    {
        var throttle = _throttle = new PreallocationThrottle();

        // The filling blocks on the disk, so it has its own thread: in a thread pool with few threads, it would delay completions.
        _preallocation = Task.Factory.StartNew(
            () => Create(sequence, throttle), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Creates a segment as fast as the throttle allows; returns null when it was cancelled.</summary>
    private Segment? Create(ulong sequence, PreallocationThrottle throttle)
    {
        var name = Segment.NameOf(sequence);
        try
        {
            RemoveUnfinished(storage);
            var header = new SegmentHeader(options.SegmentBytes, sequence, options.GenerateNonce(), identity.Stamp);
            bool isFilled;
            using (var file = storage.Create(TemporaryName, options.SegmentBytes))
                isFilled = Fill(file, header, throttle);
            if (!isFilled)
            {
                storage.Delete(TemporaryName);
                return null;
            }

            storage.Rename(TemporaryName, name);
            storage.FlushDirectory();
            identity.RecordNewestSegment(sequence);
            return new Segment(storage.Open(name), header);
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            // Otherwise a segment that is half filled, or not recorded, would take the space that the next attempt needs.
            DeleteQuietly(TemporaryName);
            if (identity.NewestSegment < sequence)
                DeleteQuietly(name);
            throw;
        }
    }

    private void DeleteQuietly(string name)
    {
        try
        {
            if (storage.List().Contains(name, StringComparer.Ordinal))
                storage.Delete(name);
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            // The next attempt replaces the file.
        }
    }

    /// <summary>Fills and flushes the segment as fast as the throttle allows; returns false when it was cancelled.</summary>
    private static bool Fill(IStorageFile file, SegmentHeader header, PreallocationThrottle throttle)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (var offset = 0; offset < header.FileBytes; offset += ChunkBytes)
            {
                if (!throttle.IsAllowed(offset))
                {
                    // Flush before each wait: the flush of the current segment then never has more than a chunk of this one ahead of it.
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
