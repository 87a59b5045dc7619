using System.Security.Cryptography;
using Quorate.Node.Snapshots;
using Quorate.Raft;

namespace Quorate.Node.Backups;

/// <summary>A captured state of the state machine, to be written to a backup file.</summary>
/// <remarks>
/// Shape: the file is documented in docs/formats/backup.md; <see cref="BackupFile"/> reads it.
/// Threading: one caller at a time. <see cref="WriteTo"/> may run for as long as the destination needs; the node goes on meanwhile. While
/// it exists, the state machine's view keeps alive what has changed since.
/// </remarks>
public sealed class Backup : IDisposable
{
    private readonly SnapshotHeader _header;
    private readonly Configuration _configuration;
    private readonly IStateMachineSnapshot _view;

    internal Backup(ulong clusterId, EntryId last, Configuration configuration, IStateMachineSnapshot view)
    {
        Invariant.That(last.Index > LogIndex.Zero, "a backup is taken after an entry was applied");
        _header = new SnapshotHeader(
            SnapshotConfiguration.SizeOf(configuration), BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))), clusterId,
            GroupId.First, last);
        (_configuration, _view) = (configuration, view);
    }

    /// <summary>The last entry whose effect is in the backup.</summary>
    public EntryId Last => _header.Last;

    /// <summary>Returns the number of bytes that <see cref="WriteTo"/> will write.</summary>
    /// <remarks>Writes the view once, to a stream that only counts.</remarks>
    /// <param name="cancellationToken">Ends the count.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public long MeasureBytes(CancellationToken cancellationToken = default)
    {
        using var counter = new CountingStream(cancellationToken);
        _view.WriteTo(counter);
        var chunks = (counter.Count + SnapshotChunk.PayloadBytesMax - 1) / SnapshotChunk.PayloadBytesMax;
        var contentBytes = counter.Count + (chunks * SnapshotChunk.HeaderBytes);
        return BackupTrailer.FileBytesOf(SnapshotHeader.Bytes + _header.ConfigurationBytes + contentBytes + SnapshotTrailer.Bytes);
    }

    /// <summary>Writes the backup file.</summary>
    /// <param name="destination">Receives the bytes in parts of at most 64 KiB; a write may block.</param>
    /// <param name="cancellationToken">Ends the writing; what was written is no backup.</param>
    /// <remarks>
    /// Durability: that of the destination. Flush it, and give the file its final name only afterwards.
    /// Errors: what the destination throws passes.
    /// </remarks>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public void WriteTo(Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var file = new BackupWriter(destination);
        using var content = new SnapshotContentWriter(file, _header, _configuration, new SnapshotOptions(), cancellationToken);
        _view.WriteTo(content);
        content.Complete();
        file.Complete();
    }

    /// <summary>Releases the view of the state machine.</summary>
    public void Dispose() => _view.Dispose();

    /// <summary>A stream that counts what is written to it.</summary>
    private sealed class CountingStream(CancellationToken cancellationToken) : WriteOnlyStream
    {
        public long Count { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Count += buffer.Length;
        }
    }
}
