using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Versions;

/// <summary>
/// Raises the version of the cluster: a leader that is connected with all members proposes the lowest version that they support, if it is
/// higher than that of the cluster.
/// </summary>
/// <remarks>
/// A member that is not connected may be any build when it returns, so nothing is decided without it. The version never falls: what a
/// feature has written stays in logs and snapshots. Threading: the driver.
/// </remarks>
internal sealed class ClusterVersionProposer(
    ClusterFeatures features, Func<TransportCounters> counters, int intervalTicks)
{
    private int _ticks;
    private IReadOnlyList<NodeId> _members = [];
    private (Term Term, LogIndex Last) _proposed;

    /// <summary>Decides the version of a cluster.</summary>
    /// <param name="current">The present version.</param>
    /// <param name="members">The highest version that each member supports; null: it is not known, or not connected.</param>
    /// <returns>The version to propose; null: the present one stays.</returns>
    public static ClusterVersion? Decide(ClusterVersion current, IReadOnlyList<ClusterVersion?> members)
    {
        ClusterVersion? lowest = null;
        foreach (var member in members)
        {
            if (member is not { } version)
                return null;
            if (lowest is null || version < lowest)
                lowest = version;
        }

        return lowest > current ? lowest : null;
    }

    /// <summary>Replaces the members, of which each must support the version.</summary>
    public void SetMembers(IReadOnlyList<NodeId> members) => _members = members;

    /// <summary>Returns the entry that the core must append, at most one at a time; null: none.</summary>
    public byte[]? OnTick(RaftCore core)
    {
        if (++_ticks < intervalTicks)
            return null;
        _ticks = 0;
        var current = features.Current.Version;
        if (core.Role != Role.Leader || current >= features.Supported || IsPending(core))
            return null;

        var peers = counters().Peers;
        var versions = _members.Select(member => member == core.Self ? features.Supported : VersionOf(peers, member)).ToArray();
        if (Decide(current, versions) is not { } next)
            return null;
        _proposed = (core.Term, core.LastIndex + 1);
        return VersionAt.Encode(next);
    }

    private static ClusterVersion? VersionOf(IReadOnlyList<PeerCounters> peers, NodeId member)
    {
        foreach (var peer in peers)
        {
            if (peer.Peer == member)
                return peer.Connected ? peer.Version : null;
        }

        return null;
    }

    private bool IsPending(RaftCore core) => _proposed.Term == core.Term && core.AppliedIndex < _proposed.Last;
}
