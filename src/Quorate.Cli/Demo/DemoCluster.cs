using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Raft;
using Quorate.Server.Hosting;
using Quorate.Server.Protos;
using Quorate.Server.Settings;

namespace Quorate.Cli.Demo;

/// <summary>Three members in one process, on real sockets and files, in a temporary directory that is deleted at the end.</summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    private static readonly string[] Names = ["n1", "n2", "n3"];

    /// <summary>
    /// The client ports of etcd's own Procfile: if they are free, <c>etcdctl</c> reaches the demo without <c>--endpoints</c>.
    /// </summary>
    private static readonly int[] PreferredPorts = [2379, 22379, 32379];
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(8);

    private readonly SortedDictionary<string, ServerSettings> _settings = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, QuorateServer> _running = new(StringComparer.Ordinal);

    /// <summary>Chooses ports and creates the directory; starts no member.</summary>
    public DemoCluster()
    {
        DataDirectory = Directory.CreateTempSubdirectory("quorate-demo-").FullName;
        var clientPorts = TryReservePorts(PreferredPorts) ?? FindFreePorts(Names.Length);
        var ports = FindFreePorts(Names.Length);
        var members = string.Join(',', Names.Select((name, i) => $"{name}=http://127.0.0.1:{ports[i]}"));
        foreach (var (i, name) in Names.Index())
        {
            _settings[name] = SettingsParser.Parse(ParsedFlags.Parse(
                [
                    $"--name={name}", $"--data-dir={DataDirectory}/{name}", $"--initial-cluster={members}", "--initial-cluster-token=demo",
                    $"--listen-peer-urls=http://127.0.0.1:{ports[i]}", $"--listen-client-urls=http://127.0.0.1:{clientPorts[i]}",
                ],
                new Dictionary<string, string>()));
        }
    }

    /// <summary>The directory that contains the data directories of the members.</summary>
    public string DataDirectory { get; }

    /// <summary>The names of the members.</summary>
    public IReadOnlyCollection<string> Members => _settings.Keys;

    /// <summary>The client URLs of the running members.</summary>
    public IEnumerable<string> ClientUrls => _running.Values.Select(s => s.ClientUrls[0]);

    /// <summary>Starts all members that are not running.</summary>
    public async Task StartAllAsync() =>
        await Task.WhenAll(Members.Where(m => !_running.ContainsKey(m)).ToArray().Select(StartAsync)).ConfigureAwait(false);

    /// <summary>Starts a member. Returns false if it is already running or no member has that name.</summary>
    public async Task<bool> TryStartAsync(string name)
    {
        if (!_settings.ContainsKey(name) || _running.ContainsKey(name))
            return false;
        await StartAsync(name).ConfigureAwait(false);
        return true;
    }

    /// <summary>Kills a member as a crash would, without a graceful stop. Returns false if it is not running.</summary>
    public async Task<bool> TryKillAsync(string name)
    {
        if (!_running.Remove(name, out var server))
            return false;
        await server.KillAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>Returns the status of each member, in the order of their names.</summary>
    public IReadOnlyList<DemoMemberStatus> GetStatus() =>
    [
        .. _settings.Select(pair => _running.TryGetValue(pair.Key, out var server)
            ? DemoMemberStatus.From(pair.Key, server.ClientUrls[0], server.Status)
            : new DemoMemberStatus(pair.Key, "down", "", 0, 0, 0)),
    ];

    /// <summary>Returns the leader that a majority of all members follows, or null.</summary>
    public (string Name, ulong Term)? Leader()
    {
        foreach (var (name, server) in _running)
        {
            var status = server.Status;
            var followers = _running.Values.Count(s => s.Status.Leader == status.NodeId && s.Status.Term == status.Term);
            if (status.Role == Role.Leader && 2 * followers > _settings.Count)
                return (name, status.Term.Value);
        }

        return null;
    }

    /// <summary>Waits for a leader that a majority follows. Returns false on timeout.</summary>
    public async Task<bool> WaitForLeaderAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(timeout);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        try
        {
            while (Leader() is null)
                await poll.WaitForNextTickAsync(deadline.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Puts a key through a running member.</summary>
    public Task<PutResponse> PutAsync(string key, string value) => CallAsync(kv => kv.PutAsync(
        new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) },
        deadline: DateTime.UtcNow + CallTimeout));

    /// <summary>Reads a key through a running member.</summary>
    public Task<RangeResponse> GetAsync(string key) => CallAsync(kv => kv.RangeAsync(
        new RangeRequest { Key = ByteString.CopyFromUtf8(key) }, deadline: DateTime.UtcNow + CallTimeout));

    /// <summary>Stops all members and deletes the directory.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_running.Values.Select(s => s.KillAsync().AsTask())).ConfigureAwait(false);
        _running.Clear();
        Directory.Delete(DataDirectory, recursive: true);
    }

    private async Task StartAsync(string name)
    {
        var server = await QuorateServer.StartAsync(
            _settings[name], NullLoggerFactory.Instance, CancellationToken.None).ConfigureAwait(false);
        lock (_running)
            _running[name] = server;
    }

    private async Task<T> CallAsync<T>(Func<KV.KVClient, AsyncUnaryCall<T>> call)
    {
        var url = ClientUrls.FirstOrDefault() ?? throw new RpcException(new Status(StatusCode.Unavailable, "no member is running"));
        using var channel = GrpcChannel.ForAddress(url);
        return await call(new KV.KVClient(channel)).ConfigureAwait(false);
    }

    private static int[] FindFreePorts(int count) => TryReservePorts(new int[count])!;

    /// <summary>
    /// Returns the ports if all of them are free, otherwise null; 0 means any free port. All ports are bound until the last is found, so
    /// that none is returned twice.
    /// </summary>
    private static int[]? TryReservePorts(int[] ports)
    {
        var listeners = new List<TcpListener>();
        try
        {
            foreach (var port in ports)
            {
                var listener = new TcpListener(IPAddress.Loopback, port);
                listeners.Add(listener);
                listener.Start();
            }

            return [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        }
        catch (SocketException)
        {
            return null;
        }
        finally
        {
            foreach (var listener in listeners)
                listener.Dispose();
        }
    }
}

/// <summary>The status of one member, a row of the demo's table.</summary>
internal sealed record DemoMemberStatus(string Name, string Role, string Address, ulong Term, ulong Commit, ulong Applied)
{
    /// <summary>Creates the status of a running member.</summary>
    public static DemoMemberStatus From(string name, string url, Node.RaftStatus status) => new(
        name, status.Role.ToString().ToLowerInvariant(), url, status.Term.Value, status.CommitIndex.Value, status.AppliedIndex.Value);
}
