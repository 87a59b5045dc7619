using System.Collections.Immutable;
using Quorate.Raft;

namespace Quorate.Node.Divergence;

/// <summary>Compares the state hashes of the members, each only with those of the same index, and decides who is the odd one.</summary>
/// <remarks>
/// <code>
///   after entry 8192        1: a5   2: a5   3: 07        a majority has a5: member 3 diverges, and finds it out for itself
///                           1: a5   2: 07   3: away      no majority; an alarm when the grace time is over
///                           1: a5   2: 07   3: 91        no majority; an alarm at once
/// </code>
/// Each member decides from what it has received, so two members may decide at different times, and never differently: a majority for one
/// hash excludes one for another. Threading: one caller at a time.
/// </remarks>
/// <param name="self">This member.</param>
/// <param name="configuration">The members; the voters decide.</param>
/// <param name="graceTicks">How long to wait for the hashes of other voters before an alarm.</param>
/// <param name="report">Receives what is found; each finding once.</param>
internal sealed class StateHashComparison(
    NodeId self, Configuration configuration, int graceTicks, Action<DivergenceEvent> report)
{
    private readonly Dictionary<NodeId, RecentHashes> _members =
        configuration.Members.Append(self).Distinct().ToDictionary(static member => member, static _ => new RecentHashes());

    private Configuration _configuration = configuration;

    /// <summary>The peers that diverge, and the last index at which they did.</summary>
    private readonly Dictionary<NodeId, LogIndex> _diverging = [];

    /// <summary>The last index at which this member differed from a majority; zero: none.</summary>
    private LogIndex _selfDiverges;

    /// <summary>A difference without a majority that is not reported yet, and the ticks since it was noticed; index zero: none.</summary>
    private (LogIndex Index, int Ticks) _unresolved;

    /// <summary>The index of the last reported difference without a majority; zero: none, or a majority has agreed since.</summary>
    private LogIndex _noMajority;

    /// <summary>Whether states differ and no majority agrees.</summary>
    public bool HasNoMajority => _noMajority > LogIndex.Zero;

    /// <summary>The peers that diverge from a majority, in id order.</summary>
    public NodeId[] Diverging => [.. _diverging.Keys.Order()];

    /// <summary>Replaces the members. What is known of those that remain stays.</summary>
    public void SetConfiguration(Configuration next)
    {
        _configuration = next;
        foreach (var removed in _members.Keys.Where(member => member != self && !next.IsMember(member)).ToArray())
        {
            _members.Remove(removed);
            _diverging.Remove(removed);
        }

        foreach (var member in next.Members)
            _members.TryAdd(member, new RecentHashes());
    }

    /// <summary>This member has a hash.</summary>
    public void OnOwn(LogIndex index, ulong hash)
    {
        _members[self].Set(index, hash);
        Compare(index);
    }

    /// <summary>A peer has sent its hash. It may have a higher or a lower index than this member's newest.</summary>
    public void OnReceived(NodeId peer, LogIndex index, ulong hash)
    {
        if (peer == self || !_members.TryGetValue(peer, out var hashes))
            return;
        hashes.Set(index, hash);
        Compare(index);
    }

    public void OnTick()
    {
        if (_unresolved.Index > LogIndex.Zero && ++_unresolved.Ticks >= graceTicks)
            ReportNoMajority(_unresolved.Index);
    }

    private void Compare(LogIndex index)
    {
        if (!_members[self].TryGet(index, out var own))
            return;
        if (IsOfMajority(index, own))
        {
            OnMajority(index);
            ComparePeers(index, own);
            return;
        }

        var (known, other) = (0, own);
        foreach (var voter in _configuration.Members.Where(_configuration.IsVoter))
        {
            if (!_members[voter].TryGet(index, out var hash))
                continue;
            known++;
            if (hash == own)
                continue;
            other = hash;
            if (!IsOfMajority(index, hash))
                continue;
            OnMajority(index);
            if (index > _selfDiverges)
                report(new DivergenceEvent(DivergenceKind.SelfDiverges, self, _selfDiverges = index, own, hash));
            return;
        }

        if (other == own)
            return;
        if (known == _configuration.Members.Count(_configuration.IsVoter))
            ReportNoMajority(index);
        else if (_unresolved.Index == LogIndex.Zero && _noMajority == LogIndex.Zero)
            _unresolved = (index, 0);
    }

    private void ComparePeers(LogIndex index, ulong own)
    {
        foreach (var (peer, hashes) in _members)
        {
            if (!hashes.TryGet(index, out var hash))
                continue;
            var isKnown = _diverging.TryGetValue(peer, out var last);
            if (hash != own)
            {
                _diverging[peer] = LogIndex.Max(last, index);
                if (!isKnown)
                    report(new DivergenceEvent(DivergenceKind.PeerDiverges, peer, index, own, hash));
            }
            else if (isKnown && index > last)
            {
                _diverging.Remove(peer);
                report(new DivergenceEvent(DivergenceKind.PeerAgrees, peer, index, own, hash));
            }
        }
    }

    private void OnMajority(LogIndex index)
    {
        if (_unresolved.Index <= index)
            _unresolved = default;
        if (_noMajority == LogIndex.Zero || index < _noMajority)
            return;
        _noMajority = LogIndex.Zero;
        report(new DivergenceEvent(DivergenceKind.MajorityAgrees, NodeId.None, index, 0, 0));
    }

    private void ReportNoMajority(LogIndex index)
    {
        _unresolved = default;
        var isKnown = _noMajority > LogIndex.Zero;
        _noMajority = LogIndex.Max(_noMajority, index);
        if (!isKnown)
            report(new DivergenceEvent(DivergenceKind.NoMajority, NodeId.None, index, 0, 0));
    }

    /// <summary>Whether a majority of the voters, in a joint configuration of each half, has this hash after this entry.</summary>
    private bool IsOfMajority(LogIndex index, ulong hash)
    {
        return IsOfMajorityOf(_configuration.Voters) && (!_configuration.IsJoint || IsOfMajorityOf(_configuration.Outgoing));

        bool IsOfMajorityOf(ImmutableArray<NodeId> voters) =>
            2 * voters.Count(voter => _members[voter].TryGet(index, out var found) && found == hash) > voters.Length;
    }
}
