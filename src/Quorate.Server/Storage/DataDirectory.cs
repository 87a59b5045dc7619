using System.Globalization;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Server.Settings;

namespace Quorate.Server.Storage;

/// <summary>A member's data directory, locked by one process at a time and bound to the member that created it.</summary>
/// <remarks>
/// It is the data directory of the node: one lock, and one identity file, which holds the name of the member, the cluster token and the
/// members with their URLs as attributes (docs/formats/identity.md).
/// </remarks>
internal sealed class DataDirectory : IDisposable
{
    private const string IdentityName = "identity";
    private const string NameAttribute = "name";
    private const string TokenAttribute = "token";
    private const string MembersAttribute = "initial-cluster";
    private const string RestoredFromAttribute = "restored-from";

    /// <summary>The ids of the members, of a directory that was created to join a cluster: they cannot be computed from the URLs.</summary>
    private const string MemberIdsAttribute = "member-ids";
    private static readonly string[] KnownEntries =
        ["lock", IdentityName, "identity-copy", "hardstate", "hardstate-copy", "reserve", "quarantine"];

    private static readonly string[] UnreleasedEntries = ["identity.json", "raft"];

    private DataDirectory(FileStorage storage, ServerSettings settings, IReadOnlyList<string> foreignEntries)
    {
        Storage = storage;
        Settings = settings;
        ForeignEntries = foreignEntries;
    }

    /// <summary>The settings, with the members from the data directory if the command line did not name them.</summary>
    public ServerSettings Settings { get; }

    /// <summary>The open directory; the node keeps its write-ahead log in it.</summary>
    public FileStorage Storage { get; }

    /// <summary>
    /// The names of the files and directories that this server did not create, such as <c>lost+found</c> in the root of a volume.
    /// </summary>
    public IReadOnlyList<string> ForeignEntries { get; }

    /// <summary>Creates the data directory if it does not exist, locks it, and verifies that it belongs to this member.</summary>
    /// <exception cref="StartupException">The directory cannot be used, is locked by another process, or belongs to another member or
    /// program.</exception>
    public static DataDirectory Open(ServerSettings settings)
    {
        var foreign = ListForeignEntries(settings.DataDirectory);
        var storage = WrapIoErrors(settings.DataDirectory, () => new FileStorage(settings.DataDirectory));
        try
        {
            return new DataDirectory(
                storage, WrapIoErrors(settings.DataDirectory, () => LoadOrCreateIdentity(storage, settings)), foreign);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    /// <summary>Whether a data directory belongs to a member already. It is not locked.</summary>
    /// <exception cref="StartupException">The directory cannot be used.</exception>
    public static bool HasIdentity(string directory) =>
        WrapIoErrors(directory, () => DataDirectoryIdentity.Read(directory) is not null);

    /// <summary>Returns the attributes of the identity file of a new data directory.</summary>
    public static Dictionary<string, string> AttributesOf(ServerSettings settings)
    {
        var attributes = new Dictionary<string, string>
        {
            [NameAttribute] = settings.Name,
            [TokenAttribute] = settings.ClusterToken,
            [MembersAttribute] = FormatInitialCluster(settings),
        };
        if (settings.JoinedClusterId is not null)
            attributes.Add(MemberIdsAttribute, string.Join(',', settings.Members.Select(static m => $"{m.Name}={Hex(m.Id.Value)}")));
        if (settings.RestoredFrom is { } backup)
            attributes.Add(RestoredFromAttribute, backup.ToString("x16", CultureInfo.InvariantCulture));
        return attributes;
    }

    /// <summary>Unlocks the directory.</summary>
    public void Dispose() => Storage.Dispose();

    /// <summary>
    /// Lists the entries that no Quorate created. Rejects the data of etcd and of unreleased versions; the node rejects a log without an
    /// identity file.
    /// </summary>
    private static string[] ListForeignEntries(string directory)
    {
        if (!Directory.Exists(directory))
        {
            if (File.Exists(directory))
                throw StartupException.Failed(
                    $"--data-dir {directory} is a file.", "a directory is needed", "set --data-dir to another path");
            return [];
        }

        var entries = WrapIoErrors(
            directory, () => Directory.EnumerateFileSystemEntries(directory).Select(e => Path.GetFileName(e)!).ToArray());
        var foreign = entries.Where(static name => !IsOwn(name)).Order(StringComparer.Ordinal).ToArray();
        if (entries.Contains(IdentityName) || entries.Contains("identity-copy"))
            return foreign;

        if (entries.FirstOrDefault(static e => UnreleasedEntries.Contains(e, StringComparer.Ordinal)) is { } unreleased)
        {
            throw StartupException.Failed(
                $"--data-dir {directory} was written by an unreleased version of Quorate.",
                $"it contains {unreleased}, and this version does not read that format",
                "set --data-dir to an empty directory or to a path that does not exist yet, for all members of the cluster");
        }

        if (foreign.Contains("member"))
        {
            throw StartupException.Failed(
                $"--data-dir {directory} holds etcd's data.", "Quorate uses another data format and cannot read it",
                "set --data-dir to another directory; to migrate, run both servers and copy the keys (etcdctl make-mirror)");
        }

        return foreign;
    }

    /// <summary>Whether the server or its node creates files of this name.</summary>
    /// <remarks>The name of a file that is being written ends in <c>.new</c>.</remarks>
    private static bool IsOwn(string name)
    {
        var complete = name.EndsWith(".new", StringComparison.Ordinal) ? name[..^".new".Length] : name;
        return KnownEntries.Contains(complete, StringComparer.Ordinal) || complete.StartsWith("wal-", StringComparison.Ordinal) ||
            complete.StartsWith("snapshot-", StringComparison.Ordinal) || complete.StartsWith("damaged-", StringComparison.Ordinal);
    }

    private static ServerSettings LoadOrCreateIdentity(FileStorage storage, ServerSettings settings)
    {
        if (DataDirectoryIdentity.Read(settings.DataDirectory) is { } identity)
            settings = VerifyIdentity(identity, settings);
        else if (!settings.IsNewCluster && settings.JoinedClusterId is null)
        {
            throw StartupException.Failed(
                $"--initial-cluster-state is existing, but the data directory {settings.DataDirectory} belongs to no cluster.",
                "it was deleted after the server had read it",
                "start the server again");
        }

        // A member that joins begins without members: it receives the configuration from the leader.
        var members = settings.JoinedClusterId is null ? settings.Members.Select(static m => m.Id) : [];
        DataDirectoryIdentity.OpenOrCreate(
            storage, settings.ClusterId, settings.Self.Id, members, AttributesOf(settings),
            settings.ClusterVersionMax);
        return settings;
    }

    private static ServerSettings VerifyIdentity(DataDirectoryIdentity identity, ServerSettings settings)
    {
        var directory = settings.DataDirectory;
        if (!identity.Attributes.TryGetValue(NameAttribute, out var name) ||
            !identity.Attributes.TryGetValue(TokenAttribute, out var token) ||
            !identity.Attributes.TryGetValue(MembersAttribute, out var initialCluster))
        {
            throw StartupException.Failed(
                $"--data-dir {directory} is not a data directory of the server.",
                $"its {IdentityName} file has no name, token and members: a program that embeds the library created it",
                "set --data-dir to another directory");
        }

        if (identity.Attributes.TryGetValue(RestoredFromAttribute, out var backup))
            settings = settings with { RestoredFrom = ulong.Parse(backup, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) };

        // Without members on the command line, the stored members take precedence, as in etcd: --initial-* applies to the first start only.
        // So they do when the member has joined, or when the command line has the members of a cluster that has changed.
        var hasJoined = identity.Attributes.TryGetValue(MemberIdsAttribute, out var memberIds);
        if (!settings.HasExplicitMembers || !settings.IsNewCluster || hasJoined)
        {
            var members = InitialMember.ParseCluster(initialCluster, token);
            if (hasJoined)
                members = WithIds(members, memberIds!);
            settings = settings with
            {
                Members = members,
                JoinedClusterId = hasJoined ? identity.ClusterId : null,
                ClusterToken = token,
                Name = members.Any(m => m.Name == settings.Name) ? settings.Name : name,
            };
        }

        if (identity.ClusterId != settings.ClusterId || identity.MemberId != settings.Self.Id)
        {
            throw StartupException.Failed(
                $"--data-dir {directory} belongs to another member.",
                $"it is {name} ({Hex(identity.MemberId.Value)}) of cluster {Hex(identity.ClusterId)} "
                + $"[{initialCluster}, token {token}]; "
                + $"the command line describes {settings.Name} ({Hex(settings.Self.Id.Value)}) of cluster {Hex(settings.ClusterId)}",
                "start with the flags that created this data directory, or set --data-dir to another directory for the new member");
        }

        return settings;
    }

    private static IReadOnlyList<InitialMember> WithIds(IReadOnlyList<InitialMember> members, string memberIds)
    {
        var ids = memberIds.Split(',').Select(static part => part.Split('=')).ToDictionary(
            static part => part[0],
            static part => new NodeId(ulong.Parse(part[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)),
            StringComparer.Ordinal);
        return [.. members.Select(member => member with { Id = ids[member.Name] })];
    }

    private static T WrapIoErrors<T>(string directory, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (StorageVersionException e)
        {
            throw StartupException.NewerData(
                $"--data-dir {directory} was written by a newer version.", e.Message,
                "start the build that wrote it, or a newer one; docs/operating/upgrade.md describes the way back to an older one", e);
        }
        catch (WalCorruptionException e)
        {
            throw StartupException.Failed(
                $"--data-dir {directory} cannot be used.", e.Message, "do what the message says; do not edit the file", e);
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
