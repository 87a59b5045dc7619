using System.Globalization;
using System.Text.Json;
using Quorate.Node.Storage;
using Quorate.Server.Settings;

namespace Quorate.Server.Storage;

/// <summary>A member's data directory, locked by one process at a time and bound to the member that created it.</summary>
/// <remarks><code>
///   lock            locked while a server runs
///   identity.json   the member that owns the directory: see DataIdentity
///   raft/           the node's write-ahead log and vote
/// </code></remarks>
internal sealed class DataDirectory : IDisposable
{
    private const string IdentityName = "identity.json";
    private const string RaftName = "raft";
    private static readonly string[] KnownEntries = ["lock", IdentityName, IdentityName + ".new", RaftName];

    private readonly FileStorage _storage;

    private DataDirectory(FileStorage storage, ServerSettings settings)
    {
        _storage = storage;
        Settings = settings;
    }

    /// <summary>The settings, with the members from the data directory if the command line did not name them.</summary>
    public ServerSettings Settings { get; }

    /// <summary>The directory of the node's write-ahead log.</summary>
    public string RaftDirectory => Path.Combine(_storage.DirectoryPath, RaftName);

    /// <summary>Creates the data directory if it does not exist, locks it, and verifies that it belongs to this member.</summary>
    /// <exception cref="StartupException">The directory cannot be used, is locked by another process, or belongs to another member or
    /// program.</exception>
    public static DataDirectory Open(ServerSettings settings)
    {
        RejectForeignDirectory(settings.DataDirectory);
        var storage = WrapIoErrors(settings.DataDirectory, () => new FileStorage(settings.DataDirectory));
        try
        {
            return new DataDirectory(storage, WrapIoErrors(settings.DataDirectory, () => LoadOrCreateIdentity(storage, settings)));
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    /// <summary>Unlocks the directory.</summary>
    public void Dispose() => _storage.Dispose();

    /// <summary>
    /// Rejects a non-empty directory without an identity file: Quorate did not create it, and writing into it could destroy its data.
    /// </summary>
    private static void RejectForeignDirectory(string directory)
    {
        if (!Directory.Exists(directory))
        {
            if (File.Exists(directory))
                throw StartupException.Failed(
                    $"--data-dir {directory} is a file.", "a directory is needed", "set --data-dir to another path");
            return;
        }

        var entries = WrapIoErrors(
            directory, () => Directory.EnumerateFileSystemEntries(directory).Select(e => Path.GetFileName(e)!).ToArray());
        if (entries.Contains(IdentityName))
            return;

        var foreign = entries.Except(KnownEntries, StringComparer.Ordinal).Order(StringComparer.Ordinal).FirstOrDefault();
        if (foreign == "member")
        {
            throw StartupException.Failed(
                $"--data-dir {directory} holds etcd's data.", "Quorate uses another data format and cannot read it",
                "set --data-dir to another directory; to migrate, run both servers and copy the keys (etcdctl make-mirror)");
        }

        if (foreign is not null || entries.Contains(RaftName))
        {
            throw StartupException.Failed(
                $"--data-dir {directory} is not a data directory of Quorate.",
                foreign is null
                    ? $"it has a write-ahead log but no {IdentityName}, so the owner of the log is unknown"
                    : $"it contains {foreign} and no {IdentityName}",
                "set --data-dir to an empty directory or to a path that does not exist yet");
        }
    }

    private static ServerSettings LoadOrCreateIdentity(FileStorage storage, ServerSettings settings)
    {
        if (storage.List().Contains(IdentityName))
        {
            // A start that was killed may have left the directory entry of the identity file unflushed. A power loss could then remove the
            // file while the log remains, and the owner of that log would be unknown.
            storage.FlushDirectory();
            return LoadIdentity(storage, settings);
        }

        if (!settings.IsNewCluster)
        {
            throw StartupException.Failed(
                $"--initial-cluster-state is existing, but the data directory {settings.DataDirectory} belongs to no cluster.",
                "adding a member to a running cluster is not supported yet",
                "start all members of a new cluster with --initial-cluster-state=new, or set --data-dir to this member's data directory");
        }

        var identity = new DataIdentity(
            DataIdentity.CurrentFormat, Hex(settings.ClusterId), Hex(settings.Self.Id.Value), settings.Name, settings.ClusterToken,
            FormatInitialCluster(settings));
        AtomicFile.Replace(storage, IdentityName, identity.ToBytes());
        return settings;
    }

    private static ServerSettings LoadIdentity(FileStorage storage, ServerSettings settings)
    {
        var directory = settings.DataDirectory;
        var identity = ReadIdentity(storage, directory);
        if (identity.Format != DataIdentity.CurrentFormat)
        {
            throw StartupException.Failed(
                $"{directory} has format {identity.Format}.", $"this build reads format {DataIdentity.CurrentFormat}",
                "run the version of Quorate that wrote it");
        }

        // Without members on the command line, the stored members take precedence, as in etcd: --initial-* applies to the first start only.
        if (!settings.HasExplicitMembers)
        {
            var members = InitialMember.ParseCluster(identity.InitialCluster, identity.Token);
            var name = members.Any(m => m.Name == settings.Name) ? settings.Name : identity.Name;
            settings = settings with { Members = members, ClusterToken = identity.Token, Name = name };
        }

        if (identity.ClusterId != Hex(settings.ClusterId) || identity.MemberId != Hex(settings.Self.Id.Value))
        {
            throw StartupException.Failed(
                $"--data-dir {directory} belongs to another member.",
                $"it is {identity.Name} ({identity.MemberId}) of cluster {identity.ClusterId} "
                + $"[{identity.InitialCluster}, token {identity.Token}]; "
                + $"the command line describes {settings.Name} ({Hex(settings.Self.Id.Value)}) of cluster {Hex(settings.ClusterId)}",
                "start with the flags that created this data directory, or set --data-dir to another directory for the new member");
        }

        return settings;
    }

    private static DataIdentity ReadIdentity(FileStorage storage, string directory)
    {
        using var file = storage.Open(IdentityName);
        try
        {
            var bytes = new byte[Math.Min(file.Length, 1 << 20)];
            return DataIdentity.Read(bytes.AsSpan(0, file.Read(0, bytes)));
        }
        catch (JsonException e)
        {
            throw StartupException.Failed(
                $"{Path.Combine(directory, IdentityName)} cannot be read.", $"the file is corrupt: {e.Message}",
                "restore the file from a backup; without one, remove this member from the cluster "
                + "and add it again with an empty data directory",
                e);
        }
    }

    private static T WrapIoErrors<T>(string directory, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StartupException.Failed(
                $"--data-dir {directory} cannot be used.", e.Message,
                "set --data-dir to a directory that this user may write, that no other server uses, on a disk with free space", e);
        }
    }

    private static string FormatInitialCluster(ServerSettings settings) =>
        string.Join(',', settings.Members.SelectMany(m => m.PeerUrls.Select(u => $"{m.Name}={u.Text}")));

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
