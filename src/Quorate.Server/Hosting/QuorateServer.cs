using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Quorate.Server.Settings;
using Quorate.Server.Storage;

namespace Quorate.Server.Hosting;

/// <summary>One member, whole: its ports, its data folder, its node, and etcd's API in front.</summary>
/// <remarks>
/// Started in the order in which a mistake is cheapest: ports first, then the folder, then the node, and clients are let in last. Stopped the
/// other way round. Threading: any thread.
/// </remarks>
internal sealed class QuorateServer : IAsyncDisposable
{
    /// <summary>Calls under way end by themselves within milliseconds, where there is a quorum. Who still waits after this is told that we stop.</summary>
    private static readonly TimeSpan CallDrainTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Answers that a client has not taken by then are not waited for: its connection is closed.</summary>
    private static readonly TimeSpan HostShutdownTimeout = TimeSpan.FromSeconds(3);

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

    /// <summary>What it was told, and what its folder added.</summary>
    public ServerSettings Settings { get; private set; }

    /// <summary>Where clients find it.</summary>
    public IReadOnlyList<string> ClientUrls { get; private set; } = [];

    /// <summary>How things stand.</summary>
    public RaftStatus Status => _node!.Status;

    /// <summary>Ends when the node has stopped. With an exception when it failed, or one of the server's duties beside it did, and then the process should end.</summary>
    public Task Completion => _completion!;

    /// <summary>Starts a member; when this returns, clients are served.</summary>
    /// <exception cref="StartupException">Something it needs is not to be had; nothing is left open.</exception>
    public static async Task<QuorateServer> StartAsync(ServerSettings settings, ILoggerFactory logs, CancellationToken cancellation)
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

    /// <summary>Stops: calls under way get a moment to end, then everything is closed. What was acknowledged is on disk.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await CleanUpAsync().ConfigureAwait(false);
        _stopping.Dispose();
        _stopped.Dispose();
    }

    /// <summary>Goes as a crash goes: the node is gone before anybody is told.</summary>
    public async ValueTask KillAsync()
    {
        await _node!.DisposeAsync().ConfigureAwait(false);
        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Undoes everything, also when one step of it fails: what lies below would stay open.</summary>
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
        var listeners = await OpenListenersAsync(logs, cancellation).ConfigureAwait(false);
        ClientUrls = Settings.AdvertiseClientUrls is { Count: > 0 } advertised ? advertised : [.. listeners.Select(p => $"http://{p.Address}")];

        CheckPeerPorts();
        var dataDirectory = DataDirectory.Open(Settings);
        _cleanup.Push(() =>
        {
            dataDirectory.Dispose();
            return ValueTask.CompletedTask;
        });
        Settings = dataDirectory.Settings;
        ServerLog.Starting(
            _log, Versions.Quorate, Settings.Name, Settings.Self.Id.ToString(), Hex(Settings.ClusterId), Settings.Members.Count, Settings.DataDirectory);

        var members = new MemberRegistry(Settings.Members);
        var leaseDeadlines = new LeaseDeadlines(TimeProvider.System);
        var stateMachine = new EtcdStateMachine(members, leaseDeadlines);
        _node = await StartNodeAsync(stateMachine, dataDirectory.RaftDirectory, cancellation).ConfigureAwait(false);
        _cleanup.Push(_node.DisposeAsync);

        var node = new RaftNodeAdapter(_node);
        var services = EtcdServices.Create(Settings, node, stateMachine, leaseDeadlines, members, _stopping.Token, _stopped.Token);
        var host = EtcdHost.Build(listeners, services, Settings.Limits, logs);
        _cleanup.Push(host.DisposeAsync);
        await host.StartAsync(cancellation).ConfigureAwait(false);
        _cleanup.Push(() => StopHostAsync(host));
        foreach (var listener in listeners)
            listener.Start();

        Task[] backgroundTasks = [PublishAsync(services.Executor, members), LogLeaderChangesAsync(_node), services.LeaseReaper.RunAsync(_stopping.Token)];
        _completion = WaitForEndAsync(_node.Completion, backgroundTasks);
        _cleanup.Push(() => new ValueTask(Task.WhenAll(backgroundTasks)));
        ServerLog.Ready(_log, string.Join(", ", listeners.Select(p => $"http://{p.Address}")), Versions.EtcdServer);
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

    private async Task<List<ProtocolMux>> OpenListenersAsync(ILoggerFactory logs, CancellationToken cancellation)
    {
        var sockets = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs);
        var listeners = new List<ProtocolMux>();
        foreach (var address in Settings.ClientListenEndPoints)
        {
            var listener = await OpenListenerAsync(sockets, address, cancellation).ConfigureAwait(false);
            _cleanup.Push(listener.DisposeAsync);
            listeners.Add(listener);
        }

        return listeners;
    }

    private static async Task<ProtocolMux> OpenListenerAsync(SocketTransportFactory sockets, IPEndPoint address, CancellationToken cancellation)
    {
        try
        {
            return await ProtocolMux.OpenAsync(sockets, address, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AddressInUseException or SocketException)
        {
            throw CannotListen("clients", address, "--listen-client-urls", e);
        }
    }

    /// <summary>
    /// Peers are listened to by the node, once there is a folder. By then a port that is taken is found out too late: the folder would remember an address that
    /// its owner is about to change.
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
        fault is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
            ? StartupException.Failed(
                $"cannot listen for {remoteKind} on {address}.", "another process has that port",
                $"stop it (ss -ltnp 'sport = :{address.Port}' names it), or choose another port in {flag}", fault)
            : StartupException.Failed(
                $"cannot listen for {remoteKind} on {address}.", fault.Message, $"use an address of this machine and a port this user may open in {flag}", fault);

    private async Task<RaftNode<KvResult>> StartNodeAsync(EtcdStateMachine stateMachine, string raftDirectory, CancellationToken cancellation)
    {
        var options = new RaftNodeOptions
        {
            NodeId = Settings.Self.Id,
            ClusterId = Settings.ClusterId,
            DataDirectory = raftDirectory,
            Members = Settings.Members.ToDictionary(m => m.Id, m => new PeerAddress(m.PeerUrls[0].Host, m.PeerUrls[0].Port)),
            ListenEndPoints = [.. Settings.PeerListenEndPoints.Select(p => new PeerAddress(p.Address.ToString(), p.Port))],
            HeartbeatInterval = Settings.HeartbeatInterval,
            ElectionTimeout = Settings.ElectionTimeout,
            OnTransportEvent = LogPeerEvent,
        };
        try
        {
            return await RaftNode.StartAsync(options, stateMachine, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ArgumentException or SocketException or UnauthorizedAccessException)
        {
            throw StartupException.Failed(
                "the node cannot start.", e.Message, "mend what is named above and start again; the data folder has not been harmed", e);
        }
    }

    /// <summary>Tells the cluster under which name and where clients find this member, until it knows.</summary>
    private async Task PublishAsync(RequestExecutor executor, MemberRegistry members)
    {
        var command = MemberRegistry.EncodePublishCommand(Settings.Self.Id.Value, Settings.Name, ClientUrls);
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await executor.ReadBarrierAsync().AsTask().WaitAsync(_stopping.Token).ConfigureAwait(false);
                if (!members.IsPublished(Settings.Self.Id.Value, Settings.Name, ClientUrls))
                    await executor.ProposeAsync(command).AsTask().WaitAsync(_stopping.Token).ConfigureAwait(false);
                ServerLog.Published(_log, Settings.Name, string.Join(", ", ClientUrls));
                return;
            }
            catch (RpcException)
            {
                // No quorum, in all that time. Clients are told so by their own calls; this waits for it.
                await Task.Delay(TimeSpan.FromMilliseconds(100), _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task LogLeaderChangesAsync(RaftNode<KvResult> node)
    {
        (Term, NodeId) logged = default;
        try
        {
            await foreach (var status in node.WatchLeadershipAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (logged == (status.Term, status.Leader))
                    continue;
                if (status.HasLeader)
                    ServerLog.LeaderChanged(_log, status.Term.Value, NameOf(status.Leader));
                else if (logged.Item2 != NodeId.None)
                    ServerLog.NoLeader(_log, status.Term.Value);
                logged = (status.Term, status.Leader);
            }
        }
        catch (OperationCanceledException)
        {
            // We are stopping.
        }
    }

    private void LogPeerEvent(TransportEvent transportEvent)
    {
        if (transportEvent.Kind is TransportEventKind.Connected or TransportEventKind.Accepted or TransportEventKind.Lost)
            ServerLog.Peer(_log, NameOf(transportEvent.Peer), transportEvent.Text);
        else
            ServerLog.PeerWarning(_log, NameOf(transportEvent.Peer), transportEvent.Text);
    }

    private async ValueTask StopHostAsync(WebApplication host)
    {
        _stopped.CancelAfter(CallDrainTimeout);
        using var timeout = new CancellationTokenSource(HostShutdownTimeout);
        await host.StopAsync(timeout.Token).ConfigureAwait(false);
    }

    private string NameOf(NodeId member) => Settings.Members.FirstOrDefault(m => m.Id == member)?.Name ?? member.ToString();

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
