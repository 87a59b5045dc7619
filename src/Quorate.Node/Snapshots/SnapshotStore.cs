using System.Collections.Immutable;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>The snapshot files of a data directory: writes, reads, receives and deletes them.</summary>
/// <remarks>
/// The caller keeps these rules: the log drops entries only after the snapshot that covers them is durable, that is after <see
/// cref="Write"/> or <see cref="SnapshotReception.Complete"/> returned; and a member starts from <see cref="Newest"/> only if its log
/// continues there. A corrupt snapshot is not used, and is kept until <see cref="DeleteOlderThanNewest"/> finds a newer one.
/// Threading: any thread; one <see cref="Write"/> and one reception at a time. <see cref="Newest"/> never blocks. The lock protects the
/// list of files and the changes of names; it is not held while content is read or written.
/// Format, and what a crash may leave: docs/formats/snapshot.md.
/// </remarks>
internal sealed class SnapshotStore
{
    private readonly Lock _gate = new();
    private readonly List<StoredSnapshot> _snapshots = [];
    private ImmutableList<SnapshotCorruptionException> _corruptions = [];
    private SnapshotInfo? _newest;
    private SnapshotReception? _reception;

    private SnapshotStore(IStorage storage, ulong clusterId, GroupId group, SnapshotOptions options)
    {
        Storage = storage;
        ClusterId = clusterId;
        Group = group;
        Options = options;
    }

    /// <summary>The newest snapshot that is valid as far as its header, its configuration and its trailer show; null without one.</summary>
    public SnapshotInfo? Newest => Volatile.Read(ref _newest);

    /// <summary>The snapshots that were found corrupt, by <see cref="Open"/> or by <see cref="MarkCorrupt"/>.</summary>
    public ImmutableList<SnapshotCorruptionException> Corruptions => Volatile.Read(ref _corruptions);

    internal IStorage Storage { get; }

    internal ulong ClusterId { get; }

    internal GroupId Group { get; }

    internal SnapshotOptions Options { get; }

    /// <summary>Opens the snapshots of a data directory, and deletes what a crash left of one that this member was writing.</summary>
    /// <remarks>
    /// Reads the header, the configuration and the trailer of each snapshot, and no chunk. Durability: the names of the snapshots are on
    /// disk when this returns; their content was before they received their names.
    /// </remarks>
    /// <exception cref="IOException">A file cannot be opened, or a later version wrote it.</exception>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public static SnapshotStore Open(IStorage storage, ulong clusterId, GroupId group, SnapshotOptions options)
    {
        options.Validate();
        var store = new SnapshotStore(storage, clusterId, group, options);
        foreach (var name in storage.List())
        {
            if (SnapshotName.IsUnfinished(name))
                storage.Delete(name);
            else if (SnapshotName.TryParse(name, out var last, out var nonce))
                store.Add(name, last, nonce);
        }

        // The previous process may have ended between a rename and its flush.
        storage.FlushDirectory();
        store.FindNewest();
        return store;
    }

    /// <summary>Writes a snapshot of this member's state machine. Blocks on the disk: for a background thread.</summary>
    /// <param name="last">The last entry whose effect is in the view.</param>
    /// <param name="configuration">The configuration as of that entry.</param>
    /// <param name="view">The state; the caller disposes it.</param>
    /// <param name="cancellationToken">Abandons the snapshot.</param>
    /// <param name="clusterVersion">The version of the cluster as of the last entry; default: not given.</param>
    /// <param name="configurationIndex">The entry that holds the configuration; 0: the cluster was created with it.</param>
    /// <remarks>
    /// Durability: content and name are on disk when this returns. When it throws, no part of the snapshot remains, unless a flush or the
    /// deletion itself failed; then the next start deletes it.
    /// </remarks>
    /// <exception cref="IOException">No space is left, or the disk failed.</exception>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    /// <exception cref="OperationCanceledException">The snapshot was abandoned.</exception>
    public SnapshotInfo Write(
        EntryId last, Configuration configuration, IStateMachineSnapshot view, CancellationToken cancellationToken,
        VersionAt clusterVersion = default, LogIndex configurationIndex = default)
    {
        Invariant.That(last.Index > LogIndex.Zero, "a snapshot is taken after an entry was applied");
        var size = SnapshotConfiguration.SizeOf(configuration);
        Invariant.That(size <= SnapshotConfiguration.BytesMax, "a snapshot can be read back only with a configuration of bounded size");
        var header = new SnapshotHeader(size, Options.GenerateNonce(), ClusterId, Group, last, clusterVersion, configurationIndex);
        var name = SnapshotName.Unfinished(last.Index, header.Nonce);
        try
        {
            var info = WriteFile(name, header, configuration, view, cancellationToken);
            Publish(name, info);
            return info;
        }
        catch (Exception fault) when (fault is not DiskFlushException)
        {
            DeleteQuietly(name);
            throw;
        }
    }

    /// <summary>Opens a snapshot as the stream that the state machine wrote.</summary>
    /// <remarks>The file is not deleted before the stream is disposed.</remarks>
    /// <exception cref="IOException">The snapshot is not there any more, or cannot be opened.</exception>
    public Stream OpenContent(SnapshotInfo snapshot, CancellationToken cancellationToken = default) => new SnapshotContentReader(
        OpenBytes(snapshot.Id) ?? throw new IOException($"{snapshot.Name} is not there any more, because a newer snapshot replaced it."),
        cancellationToken);

    /// <summary>Opens the bytes of a snapshot file, to send them to a peer; returns null if the snapshot is not here.</summary>
    /// <remarks>The file is not deleted before the reader is disposed.</remarks>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public SnapshotReader? OpenBytes(SnapshotId id)
    {
        lock (_gate)
        {
            if (_snapshots.Find(s => s.Info?.Id == id) is not { } snapshot)
                return null;
            var reader = new SnapshotReader(id, Storage.Open(snapshot.Name), () => OnReaderDisposed(snapshot));
            snapshot.Readers++;
            return reader;
        }
    }

    /// <summary>
    /// Starts to receive a snapshot from a peer, or resumes it: <see cref="SnapshotReception.Offset"/> of the result is where to continue.
    /// </summary>
    /// <remarks>
    /// Blocks on the disk: what an earlier process received is read and verified. An open reception of the same snapshot is returned as it
    /// is; one of another snapshot is abandoned, because there is one file for what is being received.
    /// </remarks>
    /// <param name="id">The snapshot, as the peer announced it.</param>
    /// <exception cref="IOException">The file cannot be created.</exception>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public SnapshotReception BeginReceive(SnapshotId id)
    {
        if (_reception is { IsOpen: true } current)
        {
            if (current.Id == id)
                return current;
            current.Abandon();
        }

        _reception = null;
        if (Storage.List().Contains(SnapshotName.Receiving, StringComparer.Ordinal))
        {
            _reception = SnapshotReception.TryResume(this, id);
            if (_reception is null)
                Storage.Delete(SnapshotName.Receiving);
        }

        if (_reception is null)
        {
            _reception = SnapshotReception.Create(this, id);

            // Otherwise a power loss could lose the name, and with it everything that was received and flushed.
            Storage.FlushDirectory();
        }

        return _reception;
    }

    /// <summary>Deletes all snapshots but the newest; those that are being read, when they no longer are.</summary>
    /// <remarks>
    /// The newest is durable, so a power loss during this leaves it and any of the others. The deletion itself is not flushed: a snapshot
    /// that comes back is deleted again.
    /// </remarks>
    /// <exception cref="IOException">A file cannot be deleted. Another call deletes it.</exception>
    public void DeleteOlderThanNewest()
    {
        lock (_gate)
        {
            foreach (var snapshot in _snapshots.ToArray())
            {
                if (_newest is null || snapshot.Info == _newest || snapshot.Last > _newest.Last.Index)
                    continue;
                snapshot.IsObsolete = true;
                if (snapshot.Readers == 0)
                    Delete(snapshot);
            }
        }
    }

    /// <summary>
    /// Records that the content of a snapshot failed verification: it is not <see cref="Newest"/> any more, and is not sent to peers. Its
    /// file stays until there is a newer snapshot.
    /// </summary>
    public void MarkCorrupt(SnapshotInfo snapshot, SnapshotCorruptionException corruption)
    {
        lock (_gate)
        {
            _corruptions = _corruptions.Add(corruption);
            if (_snapshots.Find(s => s.Info == snapshot) is { } stored)
                stored.Info = null;
            FindNewest();
        }
    }

    /// <summary>Gives a complete and flushed file the name of its snapshot.</summary>
    /// <remarks>Durability: the name is on disk when this returns.</remarks>
    internal void Publish(string from, SnapshotInfo info)
    {
        lock (_gate)
        {
            // Only a snapshot with the same bytes has the same name. It is replaced, because it may be corrupt.
            var same = _snapshots.Find(s => s.Name == info.Name);
            if (same?.Readers > 0)
                throw new IOException($"{info.Name} is being read, and cannot be replaced by another copy of it now.");
            Storage.Rename(from, info.Name);
            Storage.FlushDirectory();
            if (same is not null)
                _snapshots.Remove(same);
            _snapshots.Add(new StoredSnapshot(info.Name, info.Last.Index, info));
            FindNewest();
        }
    }

    /// <summary>Deletes a file after another failure, which is the one to report.</summary>
    internal void DeleteQuietly(string name)
    {
        try
        {
            if (Storage.List().Contains(name, StringComparer.Ordinal))
                Storage.Delete(name);
        }
        catch (IOException)
        {
            // The next start deletes an unfinished file, and the next reception an unusable one.
        }
    }

    private SnapshotInfo WriteFile(
        string name, SnapshotHeader header, Configuration configuration, IStateMachineSnapshot view, CancellationToken cancellationToken)
    {
        using var file = Storage.Create(name, 0);
        using var content = new SnapshotContentWriter(file, header, configuration, Options, cancellationToken);
        view.WriteTo(content);
        var (contentBytes, fileBytes) = content.Complete();
        return new SnapshotInfo(
            new SnapshotId(header.Last, header.Nonce, fileBytes), contentBytes, configuration, header.ClusterVersion,
            header.ConfigurationIndex);
    }

    // Of two snapshots of the same entry, the one that was added later.
    private void FindNewest()
    {
        SnapshotInfo? newest = null;
        foreach (var snapshot in _snapshots)
        {
            if (snapshot.Info is { } info && (newest is null || info.Last.Index >= newest.Last.Index))
                newest = info;
        }

        Volatile.Write(ref _newest, newest);
    }

    private void Add(string name, LogIndex last, ulong nonce)
    {
        SnapshotInfo? info = null;
        using (var file = Storage.Open(name))
        {
            try
            {
                info = SnapshotFile.ReadInfo(file, ClusterId, Group);
                if (info.Last.Index != last || info.Id.Nonce != nonce)
                {
                    throw new SnapshotCorruptionException(
                        name, 0, $"the file is {info.Name}, under another name", SnapshotVerifier.WrittenWhole);
                }
            }
            catch (SnapshotCorruptionException corruption)
            {
                info = null;
                _corruptions = _corruptions.Add(corruption);
            }
        }

        _snapshots.Add(new StoredSnapshot(name, last, info));
    }

    private void OnReaderDisposed(StoredSnapshot snapshot)
    {
        lock (_gate)
        {
            if (--snapshot.Readers > 0 || !snapshot.IsObsolete)
                return;
            try
            {
                Delete(snapshot);
            }
            catch (IOException)
            {
                // It stays in the list, and the next DeleteOlderThanNewest reports the failure.
            }
        }
    }

    private void Delete(StoredSnapshot snapshot)
    {
        Storage.Delete(snapshot.Name);
        _snapshots.Remove(snapshot);
    }

    /// <summary>A snapshot file; without information, a corrupt one.</summary>
    private sealed class StoredSnapshot(string name, LogIndex last, SnapshotInfo? info)
    {
        public string Name => name;

        public LogIndex Last => last;

        public SnapshotInfo? Info { get; set; } = info;

        public int Readers { get; set; }

        public bool IsObsolete { get; set; }
    }
}
