using System.Buffers;
using Quorate.Node.Io;

namespace Quorate.Node.Wal;

/// <summary>Makes new segments, filled and flushed before they get their name; the next one ahead of need.</summary>
/// <remarks>
/// Filled, not only allocated: on ext4 fdatasync into blocks that were written before takes 60 % of its time into blocks that are merely
/// allocated, whose state must go through the journal first (bench/results/wal.md). A crash while a segment is made leaves a file with the
/// temporary name, which the next start deletes.
/// Threading: the disk thread, and one task that this object owns while it fills the next segment.
/// </remarks>
internal sealed class SegmentMaker(IDisk disk, WalOptions options) : IDisposable
{
    private const string TemporaryName = "wal-next.new";
    private const int ChunkBytes = 256 * 1024;

    // Flushed in steps, so that the device's queue stays short for the flush of the segment in use.
    private const int FlushEveryBytes = 4 * 1024 * 1024;

    private readonly Queue<Segment> _ready = [];
    private Task<Segment>? _preparing;

    /// <summary>Deletes what a crash left of a segment in the making.</summary>
    public static void RemoveUnfinished(IDisk disk)
    {
        if (disk.List().Contains(TemporaryName, StringComparer.Ordinal))
            disk.Delete(TemporaryName);
    }

    /// <summary>A segment that recovery found ready and unused.</summary>
    public void Keep(Segment unused) => _ready.Enqueue(unused);

    /// <summary>Begins to make the next segment where that can happen beside the writes. Asked again, it only looks how that went.</summary>
    /// <exception cref="DiskFlushException">A flush of the segment in the making failed: the disk has broken its word, whichever file it was.</exception>
    public void Prepare(ulong sequence)
    {
        if (_preparing is { IsFaulted: true, Exception.InnerException: DiskFlushException })
            _preparing.GetAwaiter().GetResult();
        if (options.PrepareInBackground && _ready.Count == 0 && _preparing is null)
            Begin(sequence);
    }

    /// <summary>The next segment; waits for it if need be.</summary>
    /// <exception cref="IOException">There is no room for it. Nothing has changed, and it may be asked for again.</exception>
    public Segment Take(ulong sequence)
    {
        if (_ready.TryDequeue(out var ready))
            return ready;
        if (_preparing is not { } preparing)
            return Make(sequence);

        _preparing = null;
        try
        {
            return preparing.GetAwaiter().GetResult();
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            // There was no room when it was tried ahead of need; by now there may be.
            return Make(sequence);
        }
    }

    /// <summary>Waits for the segment in the making, and closes those nobody used.</summary>
    public void Dispose()
    {
        if (_preparing is { } preparing)
        {
            try
            {
                _ready.Enqueue(preparing.GetAwaiter().GetResult());
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
    private void Begin(ulong sequence) => _preparing = Task.Run(() => Make(sequence));

    private Segment Make(ulong sequence)
    {
        RemoveUnfinished(disk);
        var header = new SegmentHeader(options.SegmentBytes, sequence, options.DrawNonce());
        using (var file = disk.Create(TemporaryName, options.SegmentBytes))
        {
            Fill(file, header);
            file.Flush();
        }

        var name = Segment.NameOf(sequence);
        disk.Rename(TemporaryName, name);
        disk.FlushFolder();
        return new Segment(disk.Open(name), header);
    }

    private static void Fill(IDiskFile file, SegmentHeader header)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        for (var offset = 0; offset < header.FileBytes; offset += ChunkBytes)
        {
            var bytes = chunk.AsSpan(0, Math.Min(ChunkBytes, header.FileBytes - offset));
            Sectors.FillUnwritten(bytes, header.Nonce, offset);
            if (offset == 0)
                header.Write(bytes);
            file.Write(offset, bytes);
            if (offset > 0 && offset % FlushEveryBytes == 0)
                file.Flush();
        }

        ArrayPool<byte>.Shared.Return(chunk);
    }
}
