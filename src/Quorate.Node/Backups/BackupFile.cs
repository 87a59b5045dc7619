using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Backups;

/// <summary>Backup files: verifies them, reads their content, and makes data directories of a new cluster from them.</summary>
/// <remarks>The format is documented in docs/formats/backup.md, the use of the commands in docs/operating/backup.md.</remarks>
public static class BackupFile
{
    /// <summary>Verifies all checksums of a backup.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="BackupCorruptionException">The file is not as it was written.</exception>
    /// <exception cref="IOException">The file cannot be read, is no backup, or another version wrote it.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static BackupInfo Verify(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var reader = new BackupReader(path);
        return reader.Verify(cancellationToken);
    }

    /// <summary>Verifies a backup, and then reads what the state machine wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">Reads the content, once, from its beginning; the stream ends with the call.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>What <paramref name="read"/> returned.</returns>
    /// <exception cref="BackupCorruptionException">The file is not as it was written.</exception>
    /// <exception cref="IOException">The file cannot be read, is no backup, or another version wrote it.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static T ReadContent<T>(string path, Func<BackupInfo, Stream, T> read, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(read);
        using var reader = new BackupReader(path);
        var info = reader.Verify(cancellationToken);
        return reader.ReadContent(info, content => read(info, content), cancellationToken);
    }

    /// <summary>Makes the data directory of one member of a new cluster, whose state is that of the backup.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">
    /// The options with which the member will be started. Give the new cluster an id of its own: members with the same cluster id accept
    /// each other.
    /// </param>
    /// <param name="convert">Converts the content; null: the content as it is.</param>
    /// <param name="cancellationToken">Ends the restoration; the directory is then unfinished.</param>
    /// <remarks>
    /// The log of the member begins behind <see cref="BackupInfo.Last"/>. Restore all members from the same file before the first is
    /// started.
    /// Durability: the directory is on disk when this returns. It gets its identity last: a directory whose restoration was interrupted has
    /// none, and a node refuses to start in it.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or <see cref="RaftNodeOptions.ClusterVersionMax"/> is a version without snapshots.
    /// </exception>
    /// <exception cref="BackupCorruptionException">The file is not as it was written; nothing was created.</exception>
    /// <exception cref="IOException">
    /// The file cannot be read, or the data directory is not empty or cannot be written; the message states what to do.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static void Restore(
        string path, RaftNodeOptions options, Func<Stream, IStateMachineSnapshot>? convert = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (!FeatureTable.IsEnabled(Feature.Snapshots, options.ClusterVersionMax))
        {
            throw new ArgumentException(
                $"ClusterVersionMax is {options.ClusterVersionMax}; a restored data directory contains a snapshot, which needs version "
                + $"{FeatureTable.IntroducedIn(Feature.Snapshots)} or a later one.",
                nameof(options));
        }

        using var reader = new BackupReader(path);
        var info = reader.Verify(cancellationToken);
        if (options.StorageFactory is null)
            RequireEmpty(options.DataDirectory, ListEntries(options.DataDirectory));
        var storage = options.StorageFactory?.Invoke(options.DataDirectory) ?? new FileStorage(options.DataDirectory);
        try
        {
            // Again, under the lock of the directory.
            RequireEmpty(options.DataDirectory, storage.List());
            var configuration = new Configuration(options.Members.Keys);
            var snapshots = SnapshotStore.Open(storage, options.ClusterId, GroupId.First, new SnapshotOptions());
            reader.ReadContent(
                info,
                content =>
                {
                    using var view = convert?.Invoke(content) ?? new CopiedContent(content);
                    return snapshots.Write(info.Last, configuration, view, cancellationToken);
                },
                cancellationToken);
            IdentityFile.Create(
                storage, options.ClusterId, options.NodeId, configuration, options.DataDirectoryAttributes, options.ClusterVersionMax);
        }
        finally
        {
            (storage as IDisposable)?.Dispose();
        }
    }

    private static string[] ListEntries(string directory) => FileStorage.WrapErrors(
        "list", directory,
        static path => Directory.Exists(path)
            ? Directory.EnumerateFileSystemEntries(path).Select(static entry => Path.GetFileName(entry)!)
                .Where(static name => name != FileStorage.LockName && name != "lost+found").ToArray()
            : []);

    private static void RequireEmpty(string directory, IEnumerable<string> entries)
    {
        var names = entries.Order(StringComparer.Ordinal).ToArray();
        if (names is not [var first, ..])
            return;
        throw new IOException(names.All(IsOfRestoration)
            ? $"The data directory {directory} holds a restoration that was interrupted. Delete it, and restore the backup again."
            : $"The data directory {directory} is not empty: it contains {first}. " +
              "A backup is restored to a directory that is empty or does not exist; name another one.");
    }

    /// <summary>Whether a restoration leaves a file of this name when it is interrupted.</summary>
    private static bool IsOfRestoration(string name) =>
        name.StartsWith(SnapshotName.Prefix, StringComparison.Ordinal) || name == AtomicFile.TemporaryName(IdentityFile.Name);

    /// <summary>The content of a backup, to be written once.</summary>
    private sealed class CopiedContent(Stream content) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination) => content.CopyTo(destination);

        public void Dispose()
        {
        }
    }
}
