namespace Quorate.Raft;

/// <summary>Membership: how the configuration changes.</summary>
/// <remarks>
/// <code>
///   (1 2 3) ── proposed ──► (1 2 4)&amp;(1 2 3) ── committed ──► (1 2 4) ── committed ──► a leader that is not in it steps down
///           the leader appends it         the leader, or the next one, appends it
/// </code>
/// A configuration is in force as soon as it is appended, on each node for itself. Two configurations that follow each other either have
/// the same voters, or one of them is joint and has a majority of both; so any two majorities that could decide at the same time have a
/// member in common. A change begins only when the configuration before it is committed. A joint configuration that a leader has left
/// behind is either committed and left by the next leader, or truncated.
/// The leader binds each member to its data directory at the first contact (<see cref="Member"/>). A bound voter counts; one that is
/// not does not, so a change after which less than a majority of the voters would count, or could be reached, is refused.
/// Source: thesis §4.1, §4.2.1 (learners), §4.2.2 (catching up, removing the leader), §4.3 (joint consensus).
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>A learner counts as caught up if it lacks no more than a tenth of the log, and no more than this many entries.</summary>
    private const int CaughtUpLagMax = 10_000;

    private readonly ConfigurationHistory _configurations;

    /// <summary>The data directory of each member that the driver has authenticated, this node included.</summary>
    private readonly Dictionary<NodeId, DirectoryId> _directories = [];

    /// <summary>Whether all members know changes of the configuration.</summary>
    private bool _isMembershipSupported = true;

    /// <summary>Whether the members or the commitment of a configuration have changed in this step.</summary>
    private bool _membersChanged;

    /// <summary>Whether this leader, which is no voter any more, has tried to transfer its leadership.</summary>
    private bool _hasOfferedLeadership;

    /// <summary>Whether every voter of the configuration in force counts.</summary>
    private bool _allVotersCount;

    /// <summary>The index of the entry that holds <see cref="Configuration"/>; 0: the node was created with it.</summary>
    public LogIndex ConfigurationIndex => _configurations.CurrentIndex;

    /// <summary>The configuration that is committed; the one in force may not be yet.</summary>
    public ConfigurationAt CommittedConfiguration => _configurations.At(_commit);

    /// <summary>
    /// Whether the node was a member and, according to a committed configuration, no longer is. It never will be again.
    /// </summary>
    public bool IsRemoved =>
        CommittedConfiguration.Configuration is { IsEmpty: false } committed && !committed.IsMember(_self)
        && !_configuration.IsMember(_self) && _configurations.Contained(_self);

    /// <summary>
    /// The nodes with which this node exchanges messages: the members of the configurations that are or may come into force, and members
    /// that were removed a moment ago, which are notified of it. In id order, without this node.
    /// </summary>
    public IEnumerable<Member> Peers
    {
        get
        {
            var peers = new SortedDictionary<NodeId, Member>();
            foreach (var at in _configurations.All)
            {
                // Later configurations replace the details of earlier ones.
                if (at.Index >= CommittedConfiguration.Index)
                {
                    foreach (var member in at.Configuration.Details)
                        peers[member.Id] = member;
                }
            }

            foreach (var follower in _followers)
            {
                if (!peers.ContainsKey(follower.Node) && _configurations.FindNewest(follower.Node) is { } removed)
                    peers[follower.Node] = removed;
            }

            peers.Remove(_self);
            return peers.Values;
        }
    }

    /// <summary>Returns the configuration as of an entry that is not before the newest snapshot.</summary>
    public ConfigurationAt ConfigurationAsOf(LogIndex index) => _configurations.At(index);

    /// <summary>Whether this node may campaign: it is a voter that counts.</summary>
    /// <remarks>
    /// Also if only the committed configuration says so, and a later one does not, which is not committed yet: nobody else may be able to
    /// commit it. Its own vote does not count then (thesis §4.2.2).
    /// <code>
    ///   1   (1)&amp;(1 2)            1 needs the vote of 2, which has the longer log and denies it. Only 2 can be elected, by 1 alone.
    ///   2   (1)&amp;(1 2)  (1)       2 commits (1), and steps down.
    /// </code>
    /// </remarks>
    private bool IsElectable
    {
        get
        {
            var first = CommittedConfiguration.Index;
            foreach (var (index, configuration) in _configurations.All)
            {
                if (index >= first && configuration.IsVoter(_self) && configuration.IsCounted(_self))
                    return true;
            }

            return false;
        }
    }

    private void OnMembershipSupport(bool isSupported) => _isMembershipSupported = isSupported;

    private void OnPeerDirectory(NodeId peer, DirectoryId directory) => _directories[peer] = directory;

    /// <summary>Whether the votes and acknowledgements of a member count; those of every member of most configurations do.</summary>
    private bool IsCounted(NodeId node) => _allVotersCount || _configuration.IsCounted(node);

    /// <summary>Decides on a proposed change, and appends the configuration that results.</summary>
    private bool TryAppendConfiguration(in Proposal proposal, out RejectReason reason)
    {
        if (!ConfigurationChange.TryDecode(proposal.Command.Span, out var change))
        {
            reason = RejectReason.InvalidChange;
            return false;
        }

        // A leader does not know which configuration is committed before an entry of its term is.
        if (_commit < _termStart || ConfigurationIndex > _commit || _configuration.IsJoint)
        {
            reason = RejectReason.ChangeInProgress;
            return false;
        }

        if (change.ExpectedIndex is { } expected && expected != ConfigurationIndex)
        {
            reason = RejectReason.ConfigurationChanged;
            return false;
        }

        if ((change.TryApply(_configuration, out var next) ?? FindObstacle(change, next)) is { } refused)
        {
            reason = refused;
            return false;
        }

        reason = default;
        AppendConfiguration(next, proposal.Id);
        return true;
    }

    /// <summary>Returns why the change would endanger the cluster; null if it would not.</summary>
    private RejectReason? FindObstacle(ConfigurationChange change, Configuration next)
    {
        foreach (var promotion in change.Changes)
        {
            if (promotion.Kind == MemberChangeKind.Promote && !HasCaughtUp(promotion.Member.Id))
                return RejectReason.LearnerNotReady;
        }

        if (!next.IsJoint)
            return null;
        var reachable = 0;
        foreach (var voter in next.Voters)
        {
            if (next.IsCounted(voter) && IsReachable(voter))
                reachable++;
        }

        return reachable >= Quorum.Majority(next.Voters.Length) ? null : RejectReason.QuorumWouldBeLost;
    }

    /// <summary>Whether the member has replied within an election timeout.</summary>
    private bool IsReachable(NodeId node) =>
        node == _self || (FollowerOf(node) is { } follower && IsReachable(follower));

    private bool HasCaughtUp(NodeId node)
    {
        if (FollowerOf(node) is not { State: ReplicationState.Replicate } follower || !_configuration.IsCounted(node) || !IsReachable(node))
            return false;
        var lag = (ulong)(_log.LastIndex - follower.Match);
        return lag <= Math.Min(CaughtUpLagMax, Math.Max(1, _log.LastIndex.Value / 10));
    }

    private void AppendConfiguration(Configuration configuration, ProposalId proposal) =>
        AppendToLog(new LogEntry(
            new EntryId(_term, _log.LastIndex + 1), EntryKind.Configuration, proposal, ConfigurationCodec.Encode(configuration)));

    /// <summary>Called for each configuration that is appended: it is in force from now on.</summary>
    private void OnConfigurationAppended(in LogEntry entry)
    {
        _configurations.Append(entry.Index, ConfigurationCodec.Decode(entry));
        UseConfiguration();
    }

    /// <summary>Called when entries are truncated: a configuration among them is not in force any more.</summary>
    private void OnConfigurationsTruncated(LogIndex from)
    {
        if (_configurations.TruncateFrom(from))
            UseConfiguration();
    }

    private void UseConfiguration()
    {
        _configuration = _configurations.Current;
        _allVotersCount = _configuration.Details.All(static member => member.IsCounted);
        _membersChanged = true;
    }

    /// <summary>
    /// Carries out what follows from a changed configuration: a leader replicates to its members, and the driver connects to them.
    /// </summary>
    private void UpdateMembers(Effects effects)
    {
        if (!_membersChanged)
            return;
        _membersChanged = false;
        effects.MembersChanged = true;
        Trace(TraceKind.ConfigurationChanged, effects, index: ConfigurationIndex);
        if (_role == Role.Leader)
            UpdateFollowers();
    }

    private void UpdateFollowers()
    {
        var followers = new List<FollowerProgress>();
        foreach (var follower in _followers)
        {
            if (_configuration.IsMember(follower.Node))
                follower.RemovedAt = LogIndex.Zero;
            else if (follower.RemovedAt == LogIndex.Zero)
                (follower.RemovedAt, follower.RemovedTick) = (ConfigurationIndex, _now);
            followers.Add(follower);
        }

        foreach (var member in _configuration.Members)
        {
            if (member != _self && FollowerOf(member) is null)
                followers.Add(NewFollower(member));
        }

        _followers = [.. followers.OrderBy(static follower => follower.Node)];
    }

    private FollowerProgress NewFollower(NodeId member) =>
        new(member, _log.LastIndex + 1, _options.MaxInflightMessages, _options.MaxInflightBytes)
        {
            LastReplyTick = _now,
            HeartbeatIsDue = true,
        };

    /// <summary>Takes the next step of a change that is in progress, once in each iteration of a leader.</summary>
    private void ContinueConfiguration(Effects effects)
    {
        ForgetRemovedFollowers();
        if (_isMembershipSupported && _commit >= _termStart)
        {
            if (ConfigurationIndex <= _commit && _configuration.IsJoint)
                AppendConfiguration(_configuration.LeaveJoint(), ProposalId.None);
            BindMembers();
            PromoteLearners();
        }

        UpdateMembers(effects);
        if (ConfigurationIndex <= _commit && !_configuration.IsVoter(_self))
            LeaveLeadership(effects);
    }

    /// <summary>
    /// A removed member is sent the log until it can know of its removal: for an election timeout after that is committed.
    /// </summary>
    private void ForgetRemovedFollowers()
    {
        var isForgotten = false;
        foreach (var follower in _followers)
        {
            if (follower.RemovedAt == LogIndex.Zero)
                continue;
            if (_commit < follower.RemovedAt)
                follower.RemovedTick = _now;
            isForgotten |= IsForgotten(follower);
        }

        if (!isForgotten)
            return;
        _followers = [.. _followers.Where(follower => !IsForgotten(follower))];
        _membersChanged = true;
    }

    private bool IsForgotten(FollowerProgress follower) =>
        follower.RemovedAt != LogIndex.Zero && _commit >= follower.RemovedAt
        && _now - follower.RemovedTick > (ulong)_options.ElectionTicks;

    /// <summary>
    /// This leader has committed a configuration in which it does not vote. It transfers leadership, so that the others need not wait for
    /// an election timeout; if that fails, it steps down.
    /// </summary>
    private void LeaveLeadership(Effects effects)
    {
        if (_transferTarget != NodeId.None)
            return;
        var candidate = _hasOfferedLeadership ? NodeId.None : TransferCandidate();
        _hasOfferedLeadership = true;
        Trace(TraceKind.LeaderRemoved, effects, candidate, ConfigurationIndex);
        if (candidate == NodeId.None)
            BecomeFollower(_term, NodeId.None, effects);
        else
            StartTransfer(candidate, effects);
    }

    /// <summary>
    /// Binds members that were contacted to their data directories. The voters stay the same, so this needs no joint configuration, and may
    /// follow a configuration that is not committed: only the binding of its members lets it be committed.
    /// </summary>
    private void BindMembers()
    {
        Dictionary<NodeId, Member>? details = null;
        foreach (var member in _configuration.Details)
        {
            if (member.Directory != DirectoryId.None || !_directories.TryGetValue(member.Id, out var directory))
                continue;
            details ??= _configuration.Details.ToDictionary(static known => known.Id);
            details[member.Id] = member.BoundTo(directory);
        }

        if (details is not null)
            AppendConfiguration(_configuration.WithDetails(details.Values), ProposalId.None);
    }

    /// <summary>Makes learners voters that were added for it and have kept up for an election timeout.</summary>
    private void PromoteLearners()
    {
        if (_configuration.Learners.IsEmpty)
            return;
        var changes = new List<MemberChange>();
        foreach (var learner in _configuration.Learners)
        {
            if (FollowerOf(learner) is not { } follower || _configuration.Find(learner) is not { PromoteWhenReady: true })
                continue;
            if (!HasCaughtUp(learner))
                follower.CaughtUpSince = null;
            else if (follower.CaughtUpSince is null)
                follower.CaughtUpSince = _now;
            else if (_now - follower.CaughtUpSince.Value >= (ulong)_options.ElectionTicks)
                changes.Add(MemberChange.Promote(learner));
        }

        if (changes.Count == 0 || ConfigurationIndex > _commit || _configuration.IsJoint || _transferTarget != NodeId.None)
            return;
        var change = new ConfigurationChange { Changes = [.. changes] };
        if (change.TryApply(_configuration, out var next) is null && FindObstacle(change, next) is null)
            AppendConfiguration(next, ProposalId.None);
    }
}
