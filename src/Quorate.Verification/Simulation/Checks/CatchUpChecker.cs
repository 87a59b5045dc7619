using System.Globalization;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>
/// Checks, in the fault phase and after it, that each follower catches up while its leader stays and the world goes on: as long as leader,
/// follower and the links between them are undisturbed, Match reaches the present commit index within a bounded number of round trips,
/// whatever clients write and read meanwhile (property CatchUp).
/// </summary>
/// <remarks>
/// <code>
///   opened: target = commit index of the leader                    deadline = opened + K round trips
///   ├───────────────────────────────────────────────────────────────┤ Match ≥ target, or CatchUp is violated
///              any disturbance, or another leader, term or process:  the window is dropped, and another is opened afterwards
/// </code>
/// K is twice the number of terms in which the two logs differ, and two more, plus the round trips that the entries need, as many as the
/// limits of the run let into one.
/// </remarks>
internal sealed class CatchUpChecker(SimulatedCluster cluster)
{
    /// <summary>How often the followers are looked at.</summary>
    private const long Interval = 20 * VirtualTime.Millisecond;

    /// <summary>Counts the followers that caught up although their logs had diverged.</summary>
    public const string Diverged = "caught up: diverged";

    /// <summary>The same where the round trip is longer than the heartbeat interval.</summary>
    public const string DivergedFarAway = "caught up: diverged, round trip longer than a heartbeat";

    /// <summary>A bound on the bytes of an entry: a transaction with several keys and values of the largest size.</summary>
    private readonly long _entryBytesMax = (4 * cluster.Swarm.PayloadBytesMax) + 400;

    private readonly Dictionary<(NodeId Leader, NodeId Follower), Window> _windows = [];

    public void Start() => cluster.Time.ScheduleAfter(Interval, () =>
    {
        Check();
        Start();
    });

    /// <summary>
    /// Returns how far each follower of these members' leaders has to catch up from now on, and the time by which it must have done so.
    /// </summary>
    public (Func<bool> IsDone, long Deadline) CatchUpOf(IReadOnlyCollection<SimulatedMachine> members)
    {
        var windows = new List<Window>();
        foreach (var leader in members.Where(static m => m.Process is { Core.Role: Role.Leader }))
        {
            windows.AddRange(members.Where(m => m != leader && m.Process is not null && Follows(leader, m))
                .Select(follower => Open(leader, follower)));
        }

        return (() => windows.TrueForAll(IsOver), windows.Count == 0 ? 0 : windows.Max(static w => w.Deadline));
    }

    private bool Follows(SimulatedMachine leader, SimulatedMachine follower) =>
        !cluster.Swarm.ChangesMembers || leader.Process!.Core.Followers.Any(f => f.Node == follower.Id);

    /// <summary>Whether the follower has caught up, or one of the two processes ended, or the leader leads no more.</summary>
    private bool IsOver(Window window)
    {
        var core = window.Leader.Core;
        return !IsRunning(window.Leader) || !IsRunning(window.Follower) || core.Role != Role.Leader || core.Term != window.Term
            || MatchOf(core, window.Follower.Core.Self) >= window.Target;
    }

    private bool IsRunning(SimulatedProcess process) => cluster.Members.Exists(m => m.Process == process);

    private void Check()
    {
        foreach (var leader in cluster.Members)
        {
            if (leader.Process is not { Core.Role: Role.Leader })
                continue;
            foreach (var follower in cluster.Members)
            {
                if (follower != leader)
                    Check(leader, follower);
            }
        }
    }

    private void Check(SimulatedMachine leader, SimulatedMachine follower)
    {
        var now = cluster.Time.Now;
        var core = leader.Process!.Core;
        var undisturbedSince = Math.Max(
            Math.Max(leader.UndisturbedSince, follower.UndisturbedSince), cluster.Network.UndisturbedSince(leader.Id, follower.Id));

        // Peers reject a member whose data directory was replaced. A member that does not know the leader yet asks the others for it.
        // How long it takes to fetch a snapshot is checked in the liveness phase only, when no part of it is lost.
        if (undisturbedSince > now || leader.IsWiped || follower.IsWiped
            || !Follows(leader, follower) || follower.Process is not { Core: var other } process
            || !process.Endpoint.Handshakes.IsPeer(leader.Id) || NeedsSnapshot(core, other))
        {
            _windows.Remove((leader.Id, follower.Id));
            return;
        }

        if (_windows.TryGetValue((leader.Id, follower.Id), out var window) && undisturbedSince <= window.OpenedAt
            && window.Leader == leader.Process && window.Follower == follower.Process && window.Term == core.Term)
        {
            if (MatchOf(core, follower.Id) < window.Target)
            {
                if (now > window.Deadline)
                    throw Violation(leader, follower, window);
                return;
            }

            if (window.IsDiverged)
                cluster.Counters.Increment(Diverged);
            if (window.IsDiverged
                && cluster.Network.RoundTripMax(leader.Id, follower.Id) > cluster.Swarm.HeartbeatMs * VirtualTime.Millisecond)
            {
                cluster.Counters.Increment(DivergedFarAway);
            }
        }

        _windows[(leader.Id, follower.Id)] = Open(leader, follower);
    }

    private Window Open(SimulatedMachine leader, SimulatedMachine follower)
    {
        var (leaderCore, followerCore) = (leader.Process!.Core, follower.Process!.Core);
        var target = leaderCore.CommitIndex;
        var agreement = AgreementOf(leaderCore, followerCore);
        var (leaderTerms, followerTerms) = (TermsAfter(leaderCore, agreement), TermsAfter(followerCore, agreement));

        // A follower that the leader has probed back to Match receives again what it has.
        var entries = Math.Max(0, target - LogIndex.Min(agreement, MatchOf(leaderCore, follower.Id)));
        var (entriesPerMessage, messagesPerRoundTrip) = LimitsOf(leaderCore);
        var roundTrips = (2 * (leaderTerms + followerTerms + 2)) + (entries / (entriesPerMessage * messagesPerRoundTrip));

        // In each round trip the follower flushes what it received, after the flush in progress. Each message may have to be read back from
        // the leader's disk, in turn with the leader's own flushes and with what the other followers need.
        var flush = 2 * cluster.Swarm.FlushMax;
        var readBack = cluster.Members.Count * Math.Max(flush, 2 * cluster.Swarm.LeaderFlushMax);
        var roundTrip = cluster.Network.RoundTripMax(leader.Id, follower.Id) + flush + readBack + VirtualTime.Millisecond;

        // What was lost before the window opened is noticed at a heartbeat.
        var heartbeats = 3 * cluster.Swarm.HeartbeatMs * VirtualTime.Millisecond;
        var now = cluster.Time.Now;
        return new Window(
            leader.Process!, follower.Process!, leaderCore.Term, target, now,
            now + heartbeats + (roundTrips * roundTrip) + (entries / entriesPerMessage * readBack)
            + SnapshotTime(leader.Process!, followerCore, roundTrip),
            roundTrips, followerTerms > 0);
    }

    /// <summary>The entries that fit into a message, and the messages that fit into a round trip, at the least.</summary>
    private (long EntriesPerMessage, long MessagesPerRoundTrip) LimitsOf(RaftCore core)
    {
        var options = cluster.RaftOptionsFor(core.Self, seed: 0);
        var entries = Math.Max(1, options.MaxMessageBytes / _entryBytesMax);
        var messages = options.MaxInflightBytes / Math.Max(options.MaxMessageBytes, _entryBytesMax);
        return (entries, Math.Clamp(messages, 1, options.MaxInflightMessages));
    }

    private static LogIndex MatchOf(RaftCore leader, NodeId follower)
    {
        foreach (var (node, _, match, _) in leader.Followers)
        {
            if (node == follower)
                return match;
        }

        return LogIndex.Zero;
    }

    private static bool NeedsSnapshot(RaftCore leader, RaftCore follower) =>
        AgreementOf(leader, follower) < leader.CompactedIndex
        || leader.Followers.Any(f => f.Node == follower.Self && f.State == ReplicationState.Snapshot);

    /// <summary>
    /// The time to fetch a snapshot: each part is requested, read, sent, written, and at worst the first member that is asked has none. 0
    /// if the follower needs none.
    /// </summary>
    private long SnapshotTime(SimulatedProcess leader, RaftCore follower, long roundTrip)
    {
        if (!NeedsSnapshot(leader.Core, follower) || leader.Group.Snapshots.Newest is not { } snapshot)
            return 0;
        var parts = snapshot.Id.FileBytes / cluster.SnapshotPolicy.PartBytes;
        return ((parts + 10) * (roundTrip + (6 * cluster.Swarm.FlushMax))) + (10 * cluster.Swarm.ElectionTimeout);
    }

    /// <summary>
    /// The last index at which two logs have the same entry. What both have committed is equal, whether or not it is in the log.
    /// </summary>
    private static LogIndex AgreementOf(RaftCore a, RaftCore b)
    {
        var committed = LogIndex.Min(a.CommitIndex, b.CommitIndex);
        var known = LogIndex.Max(committed, LogIndex.Max(a.CompactedIndex, b.CompactedIndex));
        var index = LogIndex.Min(a.LastIndex, b.LastIndex);
        while (index > known && a.TermAt(index) != b.TermAt(index))
            index = LogIndex.Max(a.RunStart(index), b.RunStart(index)) - 1;
        return index > known ? index : committed;
    }

    private static int TermsAfter(RaftCore core, LogIndex index)
    {
        var terms = 0;
        for (var last = core.LastIndex; last > index && last > core.CompactedIndex; last = core.RunStart(last) - 1)
            terms++;
        return terms;
    }

    private static ViolationException Violation(SimulatedMachine leader, SimulatedMachine follower, Window window) => new(
        "CatchUp",
        string.Create(CultureInfo.InvariantCulture, $"""
            {leader.Id} leads term {window.Term} undisturbed and had committed index {window.Target} at {window.OpenedAt / 1e6} s;
            within {window.RoundTrips} round trips, until {window.Deadline / 1e6} s, {follower.Id} has not reached it
            """));

    /// <summary>A time in which a follower must catch up.</summary>
    private sealed record Window(
        SimulatedProcess Leader, SimulatedProcess Follower, Term Term, LogIndex Target, long OpenedAt, long Deadline, long RoundTrips,
        bool IsDiverged);
}
