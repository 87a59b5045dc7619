using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Storage;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Quorate.Server.Settings;
using Quorate.Server.Storage;

namespace Quorate.Server.Hosting;

/// <summary>One member of a cluster: its listeners, data directory and Raft node, and the etcd v3 API served to clients.</summary>
/// <remarks>
/// Start order: first the client listeners, then the data directory, then the Raft node, and last the accepting of clients, so that a
/// configuration error is found before anything is written. Stop order: the reverse. Threading: any thread.
/// </remarks>
public sealed class QuorateServer : IAsyncDisposable
{
    /// <summary>
    /// The time after which pending calls fail with "server stopped". With a quorum, pending calls complete within milliseconds.
    /// </summary>
    private static readonly TimeSpan CallDrainTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The time after which the host closes connections whose clients have not read their responses.</summary>
    private static readonly TimeSpan HostShutdownTimeout = TimeSpan.FromSeconds(3);

    private const int NamedEntriesMax = 5;

    private readonly Stack<Func<ValueTask>> _cleanup = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ILogger _log;
    private RaftNode<KvResult>? _node;
    private Task? _completion;
    private int _disposed;

    private QuorateServer(ServerSettings settings, ILogger log)
    {
        Settings = settings;
        _log = log;
    }

    /// <summary>The settings, completed from the data directory.</summary>
    internal ServerSettings Settings { get; private set; }

    /// <summary>The client URLs of this member.</summary>
    public IReadOnlyList<string> ClientUrls { get; private set; } = [];

    /// <summary>The status of the Raft node.</summary>
    public RaftStatus Status => _node!.Status;

    /// <summary>
    /// Completes when the Raft node has stopped. Faults when the node or one of the server's background tasks failed; the process should
    /// then exit.
    /// </summary>
    public Task Completion => _completion!;

    /// <summary>Starts a member in this process; when the task completes, the member accepts clients.</summary>
    /// <param name="flags">etcd's flags, such as <c>--name=n0</c> and <c>--data-dir=n0.data</c>; environment variables are not
    /// read.</param>
    /// <param name="logs">Receives the server's log; null for no log.</param>
    /// <param name="cancellation">Cancels the start.</param>
    /// <exception cref="StartupException">The flags are invalid or the member could not be started; all its resources are
    /// released.</exception>
    public static async Task<QuorateServer> StartAsync(
        IReadOnlyList<string> flags, ILoggerFactory? logs = null, CancellationToken cancellation = default)
    {
        logs ??= NullLoggerFactory.Instance;
        var parsed = ParsedFlags.Parse([.. flags], new Dictionary<string, string>());
        var log = logs.CreateLogger("quorate");
        foreach (var warning in parsed.Warnings)
            ServerLogMessages.SettingIgnored(log, warning);
        if (parsed.TryGet("log-level", out _))
            ServerLogMessages.SettingIgnored(log, "--log-level has no effect: the program that hosts the server chooses what is logged");
        return await StartAsync(SettingsParser.Parse(parsed), logs, cancellation).ConfigureAwait(false);
    }

    /// <summary>Starts a member; when the task completes, the member accepts clients.</summary>
    /// <exception cref="StartupException">The member could not be started; all its resources are released.</exception>
    internal static async Task<QuorateServer> StartAsync(ServerSettings settings, ILoggerFactory logs, CancellationToken cancellation)
    {
        var server = new QuorateServer(settings, logs.CreateLogger("quorate"));
        try
        {
            await server.StartAsync(logs, cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Stops the member: a leader transfers leadership while it still serves, pending calls get time to complete, then all resources are
    /// released. Acknowledged writes are durable.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        if (_node is { Status.IsLeader: true } leader)
            await StepDownAsync(leader).ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await CleanUpAsync().ConfigureAwait(false);
        _stopping.Dispose();
        _stopped.Dispose();
    }

    /// <summary>
    /// Stops the Raft node first, without a transfer of leadership and without draining calls, to simulate a crash; then releases all
    /// resources.
    /// </summary>
    internal async ValueTask KillAsync()
    {
        await _node!.AbortAsync().ConfigureAwait(false);
        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Runs all cleanup steps in reverse order. If a step fails, the remaining steps still run, so that no resource stays open.
    /// </summary>
    private async Task CleanUpAsync()
    {
        while (_cleanup.TryPop(out var cleanup))
        {
            try
            {
                await cleanup().ConfigureAwait(false);
            }
            catch
            {
                await CleanUpAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    private async Task StartAsync(ILoggerFactory logs, CancellationToken cancellation)
    {
        var listeners = OpenListeners();
        ClientUrls = Settings.AdvertiseClientUrls is { Count: > 0 } advertised
            ? advertised
            : [.. listeners.Select(p => $"http://{p.Address}")];

        CheckPeerPorts();
        var peerSecret = Settings.PeerSecretFile is { } secretPath ? PeerSecretFile.Read(secretPath) : null;
        if (!Settings.IsNewCluster && !DataDirectory.HasIdentity(Settings.DataDirectory))
            Settings = await new ClusterJoin(Settings, peerSecret, _log, TimeProvider.System).FindAsync(cancellation).ConfigureAwait(false);
        var dataDirectory = DataDirectory.Open(Settings);
        _cleanup.Push(() =>
        {
            // A node disposes its storage itself: later than now if the disk hangs, because the hanging call may still write.
            if (_node is null)
                dataDirectory.Dispose();
            return ValueTask.CompletedTask;
        });
        Settings = dataDirectory.Settings;
        ServerLogMessages.Starting(
            _log, ReportedVersions.Quorate, Settings.Name, Settings.Self.Id.ToString(), Hex(Settings.ClusterId), Settings.Members.Count,
            Settings.DataDirectory);

        if (dataDirectory.ForeignEntries is { Count: > 0 } foreign)
            ServerLogMessages.ForeignEntries(_log, Settings.DataDirectory, FormatEntries(foreign));

        var members = new MemberRegistry(Settings.Members);
        var leaseDeadlines = new MemberLeaseDeadlines(TimeProvider.System);
        var undecodable = new UndecodableCommands(_log, TimeProvider.System);
        var stateMachine = new EtcdStateMachine(members, leaseDeadlines, undecodable);
        if (peerSecret is null && Settings.Members.Count > 1
            && Settings.PeerListenEndPoints.FirstOrDefault(static p => !IPAddress.IsLoopback(p.Address)) is { } open)
        {
            ServerLogMessages.PeerPortOpen(_log, open.ToString());
        }

        var traceFile = Settings.TraceFile is { } path ? TraceFile.Open(path) : null;
        if (traceFile is not null)
            _cleanup.Push(traceFile.DisposeAsync);
        _node = await StartNodeAsync(stateMachine, dataDirectory.Storage, traceFile, peerSecret, logs, cancellation).ConfigureAwait(false);
        _cleanup.Push(_node.DisposeAsync);
        var node = _node;
        leaseDeadlines.OnStarted(() => node.Status.Term);
        members.UseConfiguration(() => node.Configuration.Configuration);

        var limiter = CreateConnectionLimiter();
        var services = EtcdServices.Create(
            Settings, _node, stateMachine, leaseDeadlines, members, undecodable, limiter, _log, _stopping.Token, _stopped.Token);
        var host = EtcdHost.Build(listeners, services, Settings.Limits, logs);
        _cleanup.Push(host.DisposeAsync);

        // Without the token: the host would report a cancelled start as an error, with a stack trace.
        await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
        _cleanup.Push(() => StopHostAsync(host, listeners));
        cancellation.ThrowIfCancellationRequested();
        foreach (var listener in listeners)
            listener.Start(limiter);

        Task[] backgroundTasks =
        [
            PublishAsync(services.Executor, members), services.LeaseReaper.RunAsync(_stopping.Token),
        ];
        _completion = WaitForEndAsync(_node.Completion, backgroundTasks);
        _cleanup.Push(() => new ValueTask(Task.WhenAll(backgroundTasks)));
        ServerLogMessages.Ready(_log, string.Join(", ", listeners.Select(p => $"http://{p.Address}")), ReportedVersions.EtcdServer);
    }

    private static async Task WaitForEndAsync(Task node, Task[] backgroundTasks)
    {
        await foreach (var ended in Task.WhenEach([node, .. backgroundTasks]).ConfigureAwait(false))
        {
            await ended.ConfigureAwait(false);
            if (ended == node)
                return;
        }
    }

    private ClientConnectionLimiter CreateConnectionLimiter()
    {
        var openFileLimit = OpenFileLimit.Read();
        var limiter = ClientConnectionLimiter.FromOpenFileLimit(openFileLimit, OpenFileLimit.CountOpen());
        if (openFileLimit is { } files)
            ServerLogMessages.ConnectionLimit(_log, limiter.ConnectionsMax, files);
        return limiter;
    }

    private List<ProtocolMux> OpenListeners()
    {
        var listeners = new List<ProtocolMux>();
        foreach (var address in Settings.ClientListenEndPoints)
        {
            var listener = OpenListener(address);
            _cleanup.Push(listener.DisposeAsync);
            listeners.Add(listener);
        }

        return listeners;
    }

    private ProtocolMux OpenListener(IPEndPoint address)
    {
        try
        {
            return ProtocolMux.Open(address, _log);
        }
        catch (SocketException e)
        {
            throw CannotListen("clients", address, "--listen-client-urls", e);
        }
    }

    /// <summary>
    /// Verifies that the peer ports can be bound, before the data directory is created. The Raft node binds them only after that, and a
    /// port conflict found then would leave a data directory that stores an address which the operator is about to change.
    /// </summary>
    private void CheckPeerPorts()
    {
        foreach (var address in Settings.PeerListenEndPoints)
        {
            try
            {
                using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(address);
            }
            catch (SocketException e)
            {
                throw CannotListen("peers", address, "--listen-peer-urls", e);
            }
        }
    }

    private static StartupException CannotListen(string remoteKind, IPEndPoint address, string flag, Exception fault) =>
        fault is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
            ? StartupException.Failed(
                $"cannot listen for {remoteKind} on {address}.", "another process uses that port",
                $"stop it (find it with ss -ltnp 'sport = :{address.Port}'), or choose another port in {flag}", fault)
            : StartupException.Failed(
                $"cannot listen for {remoteKind} on {address}.", fault.Message,
                $"set {flag} to an address of this host and a port that this user may bind", fault);

    private async Task<RaftNode<KvResult>> StartNodeAsync(
        EtcdStateMachine stateMachine, FileStorage storage, Stream? trace, PeerSecret? peerSecret, ILoggerFactory logs,
        CancellationToken cancellation)
    {
        var options = new RaftNodeOptions
        {
            NodeId = Settings.Self.Id,
            ClusterId = Settings.ClusterId,
            DataDirectory = storage.DirectoryPath,
            StorageFactory = _ => storage,
            Members = Settings.Members.ToDictionary(m => m.Id, m => new PeerAddress(m.PeerUrls[0].Host, m.PeerUrls[0].Port)),
            IsJoining = Settings.JoinedClusterId is not null,
            MemberNames = Settings.Members.ToDictionary(m => m.Id, m => m.Name),
            ListenEndPoints = [.. Settings.PeerListenEndPoints.Select(p => new PeerAddress(p.Address.ToString(), p.Port))],
            HeartbeatInterval = Settings.HeartbeatInterval,
            ElectionTimeout = Settings.ElectionTimeout,
            SnapshotLogEntries = Settings.SnapshotLogEntries,
            LoggerFactory = logs,
            TraceStream = trace,
            PeerSecret = peerSecret,
            ClusterVersionMax = Settings.ClusterVersionMax,
        };
        try
        {
            return await RaftNode.StartAsync(options, stateMachine, cancellation).ConfigureAwait(false);
        }
        catch (StorageVersionException e)
        {
            throw StartupException.NewerData(
                "the data directory was written by a newer version.", e.Message, "start the build that wrote it, or a newer one", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or SocketException or UnauthorizedAccessException)
        {
            throw StartupException.Failed(
                "the Raft node cannot start.", e.Message,
                "fix the cause above and start again; the failed start has not corrupted the data directory", e);
        }
        catch (StateMachineException e)
        {
            throw StartupException.Failed(
                "the state machine failed to apply an entry of the write-ahead log.", e.Message,
                "start the version that wrote the log; if this one did, keep the data directory and report it as a bug", e);
        }
    }

    /// <summary>Publishes this member's name and client URLs to the cluster; retries until they are committed.</summary>
    private async Task PublishAsync(RequestExecutor executor, MemberRegistry members)
    {
        var command = MemberRegistry.EncodePublishCommand(Settings.Self.Id.Value, Settings.Name, ClientUrls);
        var context = RequestContext.FromServer(_stopping.Token);
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await executor.ReadBarrierAsync(context).ConfigureAwait(false);
                if (!members.IsPublished(Settings.Self.Id.Value, Settings.Name, ClientUrls))
                    await executor.ProposeAsync(context, command, takesSpace: false).ConfigureAwait(false);
                ServerLogMessages.Published(_log, Settings.Name, string.Join(", ", ClientUrls));
                return;
            }
            catch (RpcException)
            {
                // No quorum within the request timeout, or the server is stopping. Clients get the error of their own calls; publishing
                // retries until there is a quorum.
                await Task.Delay(TimeSpan.FromMilliseconds(100), _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>
    /// Transfers leadership to another member, at most for an election timeout: a client whose write waits meanwhile has it executed by the
    /// next leader. The Raft node cannot do so when it is disposed, because the calls of clients have ended by then.
    /// </summary>
    private async Task StepDownAsync(RaftNode<KvResult> leader)
    {
        using var timeout = new CancellationTokenSource(Settings.ElectionTimeout);
        try
        {
            // Without another member that replies, as in a cluster of one, there is nothing to wait for.
            var result = await leader.StepDownAsync(timeout.Token).ConfigureAwait(false);
            if (result.Failure is { } failure and not TransferFailure.NoCandidate)
                ServerLogMessages.LeadershipKept(_log, failure);
        }
        catch (OperationCanceledException)
        {
            ServerLogMessages.LeadershipKept(_log, TransferFailure.Expired);
        }
        catch (NodeStoppedException)
        {
            // The node has failed meanwhile; its failure is logged.
        }
    }

    private async ValueTask StopHostAsync(WebApplication host, List<ProtocolMux> listeners)
    {
        foreach (var listener in listeners)
            await listener.StopAcceptingAsync().ConfigureAwait(false);
        _stopped.CancelAfter(CallDrainTimeout);
        using var timeout = new CancellationTokenSource(HostShutdownTimeout);
        await host.StopAsync(timeout.Token).ConfigureAwait(false);
    }

    /// <summary>Formats at most <see cref="NamedEntriesMax"/> names, since a directory may contain any number of them.</summary>
    private static string FormatEntries(IReadOnlyList<string> entries) =>
        string.Join(", ", entries.Take(NamedEntriesMax))
        + (entries.Count > NamedEntriesMax ? $" and {entries.Count - NamedEntriesMax} more" : "");

    private string NameOf(NodeId member) => Settings.Members.FirstOrDefault(m => m.Id == member)?.Name ?? member.ToString();

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
