using System.Globalization;
using System.Text.Json;
using Quorate.Node.Io;
using Quorate.Server.Settings;

namespace Quorate.Server.Storage;

/// <summary>The folder that holds everything a member knows. One process has it at a time, and only the member it was made for.</summary>
/// <remarks><code>
///   lock            held while a server runs
///   identity.json   whose folder it is: see DataIdentity
///   raft/           log and vote, the node's own
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

    /// <summary>The settings, with the members as the folder knows them where the command line did not say.</summary>
    public ServerSettings Settings { get; }

    /// <summary>Where the node keeps its log.</summary>
    public string RaftDirectory => Path.Combine(_storage.DirectoryPath, RaftName);

    /// <summary>Takes the folder, makes it if it is missing, and makes sure that it is this member's.</summary>
    /// <exception cref="StartupException">It cannot be used, is in use, or is somebody else's.</exception>
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

    /// <summary>Lets go of it.</summary>
    public void Dispose() => _storage.Dispose();

    /// <summary>A folder with things in it and no identity was never ours; to write into it could destroy what is there.</summary>
    private static void RejectForeignDirectory(string directory)
    {
        if (!Directory.Exists(directory))
        {
            if (File.Exists(directory))
                throw StartupException.Failed($"--data-dir {directory} is a file.", "a folder is needed", "name another place");
            return;
        }

        var entries = WrapIoErrors(directory, () => Directory.EnumerateFileSystemEntries(directory).Select(e => Path.GetFileName(e)!).ToArray());
        if (entries.Contains(IdentityName))
            return;

        var foreign = entries.Except(KnownEntries, StringComparer.Ordinal).Order(StringComparer.Ordinal).FirstOrDefault();
        if (foreign == "member")
        {
            throw StartupException.Failed(
                $"--data-dir {directory} holds etcd's data.", "Quorate keeps its data in another format and cannot take it over",
                "name another folder; to move the keys, run both and copy them, for example with etcdctl make-mirror");
        }

        if (foreign is not null || entries.Contains(RaftName))
        {
            throw StartupException.Failed(
                $"--data-dir {directory} is not a folder of Quorate's.",
                foreign is null ? $"it has a log but no {IdentityName}, so nobody can tell whose log it is" : $"it holds {foreign} and no {IdentityName}",
                "name an empty folder, or one that does not exist yet");
        }
    }

    private static ServerSettings LoadOrCreateIdentity(FileStorage storage, ServerSettings settings)
    {
        if (storage.List().Contains(IdentityName))
        {
            // A start that was killed may have left its name unflushed, and a log whose owner a power cut took away belongs to nobody.
            storage.FlushDirectory();
            return LoadIdentity(storage, settings);
        }

        if (!settings.IsNewCluster)
        {
            throw StartupException.Failed(
                $"--initial-cluster-state is existing, and {settings.DataDirectory} knows no cluster.",
                "a member cannot be added to a running cluster yet",
                "start all members of a new cluster with --initial-cluster-state=new, or name the folder this member had");
        }

        var identity = new DataIdentity(
            DataIdentity.CurrentFormat, Hex(settings.ClusterId), Hex(settings.Self.Id.Value), settings.Name, settings.ClusterToken, FormatInitialCluster(settings));
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
                $"{directory} has format {identity.Format}.", $"this build reads format {DataIdentity.CurrentFormat}", "run the version of Quorate that wrote it");
        }

        // Without members on the command line the folder's prevail, as in etcd: --initial-* is for the first start.
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
                $"it is {identity.Name} ({identity.MemberId}) of cluster {identity.ClusterId} [{identity.InitialCluster}, token {identity.Token}]; "
                + $"the command line describes {settings.Name} ({Hex(settings.Self.Id.Value)}) of cluster {Hex(settings.ClusterId)}",
                "start with the flags this folder was made with, or name another folder for the new member");
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
                $"{Path.Combine(directory, IdentityName)} cannot be read.", $"it is damaged: {e.Message}",
                "restore that file from a copy; if there is none, this member is lost: remove it from the cluster, and add it anew with an empty folder", e);
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
                $"--data-dir {directory} cannot be used.", e.Message, "name a folder this user may write, on a disk with room, that no other server uses", e);
        }
    }

    private static string FormatInitialCluster(ServerSettings settings) =>
        string.Join(',', settings.Members.SelectMany(m => m.PeerUrls.Select(u => $"{m.Name}={u.Text}")));

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
