using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Asks the peers for the members of the cluster when this node may have missed a change.</summary>
/// <remarks>
/// A node that was away knows the members as of its log. The leader may have been added since, and be unknown to it, or have moved to
/// another address; then the log, which says so, cannot reach it. What the peers state lets the two connect, and no more.
/// Threading: <see cref="Request"/> is called by any thread. Each peer is asked once for a request; while none answers, again after an
/// election timeout.
/// </remarks>
internal sealed class MembersRefresh : IAsyncDisposable
{
    private readonly RaftNodeOptions _options;
    private readonly Func<IReadOnlyCollection<PeerAddress>?> _peers;
    private readonly Action<ConfigurationAt> _onStated;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private Task? _task;
    private bool _isRequested;
    private bool _isStopped;

    /// <param name="options">The options of the node.</param>
    /// <param name="peers">Returns the addresses of the peers; null while the node starts.</param>
    /// <param name="onStated">Receives each configuration that a peer states.</param>
    public MembersRefresh(RaftNodeOptions options, Func<IReadOnlyCollection<PeerAddress>?> peers, Action<ConfigurationAt> onStated) =>
        (_options, _peers, _onStated) = (options, peers, onStated);

    /// <summary>Whether an event says that this node may have missed a change.</summary>
    public static bool IsDueAfter(TransportEvent transportEvent) => transportEvent is
    { Kind: TransportEventKind.Unreachable } or { Kind: TransportEventKind.Rejected, Rejection: HandshakeRejection.UnknownPeer };

    /// <summary>Asks the peers, soon.</summary>
    public void Request()
    {
        lock (_lock)
        {
            if (_isStopped)
                return;
            _isRequested = true;
            _task ??= Task.Run(RunAsync);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task? task;
        lock (_lock)
        {
            _isStopped = true;
            task = _task;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        if (task is not null)
            await task.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (TryTakeRequest())
            {
                while (!await AskAllAsync().ConfigureAwait(false))
                    await Task.Delay(_options.ElectionTimeout, _options.TimeProvider, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    /// <summary>Takes the request; without one, the task ends.</summary>
    private bool TryTakeRequest()
    {
        lock (_lock)
        {
            var isRequested = _isRequested;
            _isRequested = false;
            if (!isRequested)
                _task = null;
            return isRequested;
        }
    }

    /// <summary>Returns whether any peer has answered, or there is none.</summary>
    private async Task<bool> AskAllAsync()
    {
        var peers = _peers();
        var isAnswered = peers is { Count: 0 };
        foreach (var peer in peers ?? [])
        {
            try
            {
                var members = await ClusterMembers.QueryAsync(peer, _options.PeerSecret, _stopping.Token).ConfigureAwait(false);
                if (members.ClusterId != _options.ClusterId)
                    continue;
                isAnswered = true;
                _onStated(members.Configuration);
            }
            catch (IOException)
            {
                // It is down, or cannot answer; the next one may.
            }
        }

        return isAnswered;
    }
}
