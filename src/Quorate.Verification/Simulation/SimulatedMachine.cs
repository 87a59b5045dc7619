using System.Globalization;
using Quorate.Node;
using Quorate.Node.Repair;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Simulation;

/// <summary>
/// The simulated machine of one member: its disk and clock, which outlive its processes, and the process that is running, if any.
/// </summary>
internal sealed class SimulatedMachine
{
    /// <summary>The time from waking the driver to its next iteration, in microseconds.</summary>
    private const long WakeLatency = 5;

    /// <summary>The id of the simulated cluster.</summary>
    public const ulong ClusterId = 1;

    /// <summary>
    /// The names of trace event kinds, looked up for each event: <see cref="Enum.ToString()"/> allocates a string on each call.
    /// </summary>
    private static readonly string[] TraceKindNames = [.. Enumerable.Range(0, 256).Select(static i => ((TraceKind)i).ToString())];

    private readonly SimulatedCluster _cluster;
    private readonly List<ISimulatedClient> _waitingClients = [];
    private readonly Action _onIterationDue;

    /// <summary>The core of the running process, or of the last one.</summary>
    private RaftCore? _core;
    private long _nextIterationAt = long.MaxValue;

    /// <summary>The latest time for which an iteration was put into the event queue, whether or not it is still needed.</summary>
    private long _latestScheduledAt;

    private bool _mustStop;

    /// <summary>Whether the marker of a quarantine is on the disk.</summary>
    private bool _hasMarker;
    private bool _wasQuarantined;
    private long _disturbedUntil;
    private long _slowFlush;
    private long _slowUntil;

    /// <summary>Whether the next start must succeed, because a single file was lost.</summary>
    private bool _mustStart;

    /// <summary>The hard state that was flushed, and the last index that was both flushed and known to be committed.</summary>
    private (HardState State, LogIndex Committed) _durable;

    /// <summary>
    /// The last flushed entry of the log that was lost with the disk, or with the log while it is being repaired. The entries up to it
    /// still count as held: the fault atlas limits how many disks may lose them.
    /// </summary>
    private EntryId _lastLostEntry;

    public SimulatedMachine(SimulatedCluster cluster, NodeId id, ulong seed)
    {
        Prng DeriveStream(string concern) => Prng.Derive(seed, $"{concern} of {id}");

        _cluster = cluster;
        _onIterationDue = OnIterationDue;
        Id = id;
        Clock = SimulatedClock.Draw(cluster.Time, cluster.Swarm.DriftPerMille, DeriveStream("clock"));
        WalOptions = cluster.WalOptions(DeriveStream("nonces").Next);
        SnapshotOptions = cluster.SnapshotOptions(DeriveStream("snapshot nonces").Next);
        SnapshotPrng = DeriveStream("snapshot files");
        RestartPrng = DeriveStream("restarts");
        SeedPrng = DeriveStream("seeds");
        DirectoryIdPrng = DeriveStream("directory ids");
        DiskPrng = DeriveStream("disk");
        Disk = new SimulatedDisk(cluster.Time, cluster.Counters);
    }

    public NodeId Id { get; }

    /// <summary>Whether this machine was no member in the beginning.</summary>
    public bool IsSpare => Id.Value > (ulong)_cluster.Swarm.MemberCount;

    /// <summary>Whether the process ended because the member was removed; no other follows.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>The core of the running process, or of the last one.</summary>
    public RaftCore? LastCore => _core;

    public SimulatedDisk Disk { get; }

    public SimulatedClock Clock { get; }

    public WalOptions WalOptions { get; }

    public SnapshotOptions SnapshotOptions { get; }

    /// <summary>Draws how long work on snapshot files takes.</summary>
    public Prng SnapshotPrng { get; }

    /// <summary>Draws the time from the end of a process to the start of the next one.</summary>
    public Prng RestartPrng { get; }

    /// <summary>Draws the seeds of the processes.</summary>
    public Prng SeedPrng { get; }

    /// <summary>Draws the ids of data directories.</summary>
    public Prng DirectoryIdPrng { get; }

    /// <summary>Draws how long the disk takes, and what a power cut leaves on it.</summary>
    public Prng DiskPrng { get; }

    /// <summary>The running process; null while the member is down.</summary>
    public SimulatedProcess? Process { get; private set; }

    /// <summary>True if no process may be started on this machine any more.</summary>
    public bool StaysDown { get; set; }

    /// <summary>The time until which the process is paused, as by SIGSTOP: none of its threads runs.</summary>
    public long PausedUntil { get; private set; }

    /// <summary>
    /// The time since which the process runs undisturbed: it is not paused, its clock does not jump, its disk responds and has space. It
    /// may lie in the future.
    /// </summary>
    public long UndisturbedSince =>
        Math.Max(Math.Max(_disturbedUntil, Disk.FullUntil), Process is { } process ? process.DiskWorker.StalledUntil : VirtualTime.Never);

    /// <summary>Whether the running process is quarantined.</summary>
    public bool IsQuarantined => Process is { } process && process.Group.Divergence.Quarantine is not null;

    /// <summary>True if the disk was replaced by an empty one.</summary>
    public bool IsWiped { get; private set; }

    /// <summary>The last log index that is known to be flushed, as of the last update.</summary>
    public LogIndex FlushedIndex { get; private set; }

    /// <summary>Pauses the process until a time. Of several pauses the one that ends last applies.</summary>
    public void Pause(long until)
    {
        PausedUntil = Math.Max(PausedUntil, until);
        _disturbedUntil = Math.Max(_disturbedUntil, until);
        _cluster.EventLog.Record(Id, "pauses", string.Create(CultureInfo.InvariantCulture, $"until {until / 1e6}"));
    }

    /// <summary>Makes each flush that begins before a time take this long.</summary>
    public void SlowDown(long flush, long until)
    {
        (_slowFlush, _slowUntil) = (flush, until);
        _disturbedUntil = Math.Max(_disturbedUntil, until);
        _cluster.EventLog.Record(
            Id, "its disk is slow", string.Create(CultureInfo.InvariantCulture, $"{flush / 1e6} s until {until / 1e6}"));
    }

    /// <summary>Ends a pause. Disk calls that completed during the pause are still noticed when it should have ended.</summary>
    public void Resume() => PausedUntil = 0;

    /// <summary>Moves the clock forward while the process runs; timers that are due by the new time fire.</summary>
    public void JumpClock(long span)
    {
        Clock.Jump(span);
        _disturbedUntil = Math.Max(_disturbedUntil, _cluster.Time.Now);
        _cluster.ClockJumpCount++;
        _cluster.EventLog.Record(Id, "its clock leaps", $"by {span / 1e6} s");
        if (Process is { } process)
            Wake(process);
    }

    /// <summary>Starts a process on the contents of the disk; schedules another attempt if a disk call fails.</summary>
    public void Start()
    {
        if (Process is not null || StaysDown)
            return;

        Disk.OnProcessStart();
        try
        {
            Process = new SimulatedProcess(_cluster, this);
        }
        catch (SimulatedCrashException)
        {
            _cluster.ScheduleRestart(this);
            EndDuringDiskCall();
            return;
        }
        catch (IOException corruption) when (IsCorruption(corruption))
        {
            if (_mustStart)
                throw new ViolationException("LostFileIsReplaced", $"{Id} does not start without a single file: {corruption.Message}");

            // Neither copy of term and vote, or of the identity, can be used: nothing says what this member has promised.
            _cluster.Counters.Increment(CoverageMark.StartRefusedOnCorruption);
            _cluster.EventLog.Record(Id, "refuses to start", corruption.Message);
            StaysDown = true;
            return;
        }
        catch (IOException fault) when (fault is not (WalCorruptionException or SnapshotCorruptionException) && Disk.HasFailed)
        {
            _cluster.EventLog.Record(Id, "cannot start", fault.Message);
            _cluster.ScheduleRestart(this);
            return;
        }

        if (_mustStart)
            _cluster.Counters.Increment(CoverageMark.LostFileReplaced);
        _mustStart = false;
        OnRecovered(Process);
        Disk.ForgiveFailure();
        CheckDurableState();
        if (_hasMarker && !IsQuarantined)
            throw new ViolationException("QuarantineIsKept", $"{Id} was quarantined, and starts without its quarantine");
        if (_hasMarker)
            _cluster.Counters.Increment(CoverageMark.StartedInQuarantine);
        _core = Process.Core;
        _cluster.EventLog.RecordProcessStart(_core);
        _cluster.Network.Bind(Id, Process.Endpoint);
        UpdateDurableState();
        _mustStop = false;
        ScheduleIteration(_cluster.Time.Now + WakeLatency);
    }

    /// <summary>Opens the identity file of this machine's disk, or of a copy of it.</summary>
    public IdentityFile OpenIdentity(IStorage disk, Func<ulong> drawId) =>
        IdentityFile.Open(disk, ClusterId, Id, _cluster.InitialConfigurationOf(this), drawId: drawId);

    /// <summary>Ends the process; the operating system keeps what it wrote.</summary>
    public void Kill(string reason)
    {
        if (Process is null)
            return;
        _cluster.EventLog.RecordProcessEnd(Id, reason);
        if (Process.Core.Role == Role.Leader)
            _cluster.Counters.Increment(CoverageMark.LeaderEnded);
        else if (Process.Core.Role != Role.Follower)
            _cluster.Counters.Increment(CoverageMark.EndedDuringElection);
        Process = null;
        _nextIterationAt = long.MaxValue;
        PausedUntil = 0;
        _cluster.Network.Bind(Id, null);
        for (var i = _waitingClients.Count - 1; i >= 0; i--)
            _waitingClients[i].OnProcessEnded();
        _waitingClients.Clear();
        _cluster.NotifyDisconnect(this);
        _cluster.ScheduleRestart(this);
    }

    /// <summary>Cuts the power of the machine, whether or not a process is running.</summary>
    public void LosePower(PowerLossOutcome outcome)
    {
        _cluster.Counters.Increment("power cut");
        if (Process is null)
            _cluster.ScheduleRestart(this);
        Kill($"power cut, what was not flushed is {outcome}");
        Disk.LosePower(outcome, DiskPrng);
    }

    /// <summary>Kills the process and replaces the disk by an empty one; the member is restarted as after any other end.</summary>
    public void WipeDisk()
    {
        Kill("its folder is lost");
        Disk.Wipe();
        IsWiped = true;
        _hasMarker = false;
        _durable = default;
        _cluster.Network.RecordAnnouncedVote(Id, default);
        RememberLostEntries();
    }

    /// <summary>Requires that the next process starts, because only a single file was lost.</summary>
    public void ExpectRepair() => _mustStart = true;

    /// <summary>Whether a process runs and has replaced what was lost before.</summary>
    public bool HasRecovered => Process is { Core.IsRepairing: false } && !_mustStart;

    /// <summary>Whether an exception reports what the fault atlas allows on this disk.</summary>
    private bool IsCorruption(IOException fault) =>
        _cluster.FaultAtlas.IsCorrupted(Id) && fault is WalCorruptionException or SnapshotCorruptionException;

    /// <summary>Takes note of what the recovery has repaired.</summary>
    private void OnRecovered(SimulatedProcess started)
    {
        if (started.Group.HardStateRepair is not null)
            _cluster.Counters.Increment(CoverageMark.HardStateCopyReplaced);

        // Term and vote say in which term the log was lost: a process that continues a repair has lost nothing more.
        var (before, now) = (_durable.State.RepairTerm, started.Log.HardState.RepairTerm);
        if (now <= before)
            return;
        _cluster.Counters.Increment(CoverageMark.RepairStarted);
        if (before != Term.Zero)
            _cluster.Counters.Increment(CoverageMark.RepairedTwice);
        _cluster.EventLog.Record(Id, "repairs its disk:", string.Join(", ", SetAsideFiles.In(Disk)));
        RememberLostEntries();
        _durable.Committed = LogIndex.Zero;
    }

    private void RememberLostEntries()
    {
        if (_core is not { } core || core.TermAt(LogIndex.Max(FlushedIndex, core.SnapshotIndex)) is not { } term)
            return;
        var last = new EntryId(term, LogIndex.Max(FlushedIndex, core.SnapshotIndex));
        if (last.Index > _lastLostEntry.Index)
            _lastLostEntry = last;
    }

    /// <summary>
    /// Returns whether the disk holds an entry, flushed, or held it when it was lost, and not another entry at its index. Both the disk
    /// and the core are consulted: the core's durable index is only its claim, and the flushed index of the disk has no terms.
    /// </summary>
    public bool HoldsFlushed(EntryId entry) =>
        (_lastLostEntry.Index >= entry.Index && _lastLostEntry.Term >= entry.Term) ||
        (_core is { } started && started.SnapshotIndex >= entry.Index) ||
        (FlushedIndex >= entry.Index && _core is { } core && core.DurableIndex >= entry.Index && core.TermAt(entry.Index) == entry.Term);

    public void AddWaitingClient(ISimulatedClient client) => _waitingClients.Add(client);

    public void RemoveWaitingClient(ISimulatedClient client) => _waitingClients.Remove(client);

    public void Wake(SimulatedProcess process)
    {
        if (ReferenceEquals(process, Process))
            ScheduleIteration(_cluster.Time.Now + WakeLatency);
    }

    public long FlushLatency()
    {
        var swarm = _cluster.Swarm;
        if (_cluster.IsInLivenessPhase)
            return swarm.FlushMin;
        if (_cluster.Time.Now < _slowUntil)
            return _slowFlush;
        return swarm.LeaderFlushMax > 0 && _core is { Role: Role.Leader }
            ? DiskPrng.Between(swarm.FlushMax, swarm.LeaderFlushMax)
            : DiskPrng.Between(swarm.FlushMin, swarm.FlushMax);
    }

    public long SnapshotLatency() => _cluster.IsInLivenessPhase
        ? _cluster.Swarm.FlushMin
        : SnapshotPrng.Between(_cluster.Swarm.FlushMin, 3 * _cluster.Swarm.FlushMax);

    public long ApplyLatency() => _cluster.IsInLivenessPhase ? 1 : DiskPrng.Between(1, _cluster.Swarm.ApplyMax);

    public PowerLossOutcome DrawPowerLossOutcome() =>
        DiskPrng.Pick(PowerLossOutcome.Dropped, PowerLossOutcome.Kept, PowerLossOutcome.Mixed, PowerLossOutcome.Mixed);

    /// <summary>
    /// Runs a work item of one of the process's threads, unless that process has ended; during a pause the work item is postponed.
    /// </summary>
    public void RunWork(SimulatedProcess process, Action work)
    {
        if (!ReferenceEquals(process, Process))
            return;
        if (_cluster.Time.Now < PausedUntil)
        {
            _cluster.Time.ScheduleAt(PausedUntil, () => RunWork(process, work));
            return;
        }

        var reads = Disk.Reads;
        work();
        if (Disk.Reads != reads)
            _cluster.Counters.Increment("entries read back");
        if (Disk.IsOff)
        {
            EndDuringDiskCall();
            return;
        }

        if (!Disk.HasFailed)
            UpdateDurableState();
        PollClients();
    }

    public void Observe(RaftCore core, List<TraceEvent> events)
    {
        foreach (var traceEvent in events)
        {
            _cluster.Counters.Increment(TraceKindNames[(int)traceEvent.Kind]);
            if (traceEvent.Kind is TraceKind.Appended or TraceKind.Committed or TraceKind.ReadConfirmed)
                _cluster.EventLog.AddToHash((ulong)traceEvent.Kind ^ traceEvent.Index.Value);
            else
                _cluster.EventLog.Record(Id, traceEvent);
            if (traceEvent.Kind == TraceKind.Repaired)
            {
                _cluster.Counters.Increment(CoverageMark.Repaired);
                _lastLostEntry = IsWiped ? _lastLostEntry : EntryId.Zero;
            }

            if (traceEvent.Kind == TraceKind.ConfigurationChanged)
                _cluster.EverMembers.UnionWith(core.Configuration.Members);
            if (traceEvent.Kind == TraceKind.BecameLeader)
            {
                _cluster.LeaseChecker.OnElected(core);
                if (!_cluster.LeaderHistory.OnElected(core))
                    _cluster.Counters.Increment(CoverageMark.ElectedInOldTerm);
            }

            if (traceEvent.Kind == TraceKind.BecameCandidate && _cluster.Members.Exists(
                m => m != this && m.Process is { Core: { Role: Role.Candidate } other } && other.Term == core.Term))
                _cluster.Counters.Increment(CoverageMark.VoteSplit);
        }
    }

    private void EndDuringDiskCall()
    {
        _cluster.Counters.Increment("process ended during a disk call");
        if (Disk.IsProcessKill)
            Kill("killed in a disk call");
        else
            LosePower(DrawPowerLossOutcome());
    }

    private void UpdateDurableState()
    {
        var log = Process!.Log;
        FlushedIndex = Disk.IsLogClean ? log.LastIndex : LogIndex.Min(FlushedIndex, log.LastIndex);

        // Entries that the core has truncated may still be on the disk; they are not the entries that were committed at their indexes.
        var core = Process.Core;
        var committed = LogIndex.Min(FlushedIndex, LogIndex.Min(core.DurableIndex, core.CommitIndex));
        _durable = (Disk.IsLogClean ? log.HardState : _durable.State, LogIndex.Max(_durable.Committed, committed));
    }

    /// <summary>
    /// Checks that a member that starts, whatever happened to its disk, has the hard state that it had flushed and the entries that it knew
    /// to be committed. It must also have the vote that it had sent to others, flushed or not. This is checked here because a forgotten
    /// vote rarely has visible consequences: few such members receive another vote request in the same term, and few of those then elect a
    /// second leader.
    /// </summary>
    private void CheckDurableState()
    {
        var (log, (state, committed), announcedVote) = (Process!.Log, _durable, _cluster.Network.AnnouncedVoteOf(Id));
        if (!Retains(log.HardState, state) || log.LastIndex < committed)
        {
            throw new ViolationException(
                "DurableIsKept",
                $"{Id} had flushed {state} and committed entries up to {committed}; " +
                $"it starts with {log.HardState} and entries up to {log.LastIndex}");
        }

        if (!Retains(log.HardState, announcedVote))
        {
            throw new ViolationException(
                "VoteIsKept",
                $"{Id} had sent its vote for {announcedVote.VotedFor} in term {announcedVote.Term}; it starts with {log.HardState}");
        }
    }

    private static bool Retains(HardState now, HardState before) =>
        now.Term > before.Term || (now.Term == before.Term && (before.VotedFor == NodeId.None || now.VotedFor == before.VotedFor));

    private bool IsDiskFault(IOException fault) =>
        fault is WalCorruptionException or SnapshotCorruptionException
            || fault.InnerException is WalCorruptionException or SnapshotCorruptionException
            ? _cluster.FaultAtlas.IsCorrupted(Id)
            : Disk.HasFailed;

    private void ScheduleIteration(long moment)
    {
        moment = Math.Max(moment, PausedUntil);
        if (moment >= _nextIterationAt)
            return;

        // An iteration in between does not move the next tick by more than the rounding error of a drifting clock, so the scheduled one is
        // reused.
        if (moment <= _latestScheduledAt && _latestScheduledAt <= moment + 2)
        {
            _nextIterationAt = _latestScheduledAt;
            return;
        }

        _nextIterationAt = moment;
        _latestScheduledAt = Math.Max(_latestScheduledAt, moment);
        _cluster.Time.ScheduleAt(moment, _onIterationDue);
    }

    private void OnIterationDue()
    {
        if (_nextIterationAt == _cluster.Time.Now)
            RunIteration();
    }

    private void RunIteration()
    {
        _nextIterationAt = long.MaxValue;
        var now = _cluster.Time.Now;
        if (now < PausedUntil)
        {
            ScheduleIteration(PausedUntil);
            return;
        }

        var process = Process!;
        try
        {
            // The driver learns of a failed flush when the flush completes, so the iteration that learns of it must be the last one.
            _mustStop = Disk.HasFailed;
            if (process.RunOnce())
                _cluster.CheckCluster(process.State);
            CheckDivergence(process);
        }
        catch (SimulatedCrashException)
        {
            _cluster.Counters.Increment("process ended during an iteration");
            if (DiskPrng.Chance(500))
                LosePower(DrawPowerLossOutcome());
            else
                Kill("in the middle of a turn");
            return;
        }
        catch (IOException fault) when (IsDiskFault(fault))
        {
            Kill(fault.Message);
            return;
        }
        catch (MemberRemovedException removed)
        {
            Leave(removed.Message);
            return;
        }

        if (_mustStop)
            throw new ViolationException("DiskFailureStopsTheNode", $"{Id} keeps running after its disk failed");
        PollClients();
        if (Process is not null)
            ScheduleIteration(now + Math.Max(1, Clock.ToVirtualTime(process.UntilNextTick)));
    }

    /// <summary>Ends the machine for good, because the member was removed. Checks that it was.</summary>
    private void Leave(string reason)
    {
        if (_cluster.NewestCommitted() is var newest && newest.Configuration.IsMember(Id) && !IsWiped)
        {
            throw new ViolationException(
                "OnlyRemovedMembersLeave", $"{Id} ends ({reason}), and is a member of {newest.Configuration}, committed at {newest.Index}");
        }

        _cluster.Counters.Increment("removed member ended");
        (HasLeft, StaysDown) = (true, true);
        Kill(reason);
    }

    /// <summary>Checks that nothing is found unless a state was altered, and that only that member is quarantined.</summary>
    private void CheckDivergence(SimulatedProcess process)
    {
        var divergence = process.Group.Divergence;
        if (divergence.Level == 0)
            return;
        if (_cluster.Altered is not { } altered || (divergence.Quarantine is not null && altered != this)
            || divergence.Diverging.Any(other => other != altered.Id))
        {
            throw new ViolationException(
                "NoFalseDivergence",
                $"{Id} finds a divergence of level {divergence.Level}: {divergence.Quarantine?.Reason}, "
                + $"diverging: {string.Join(", ", divergence.Diverging)}; altered: {_cluster.Altered?.Id.ToString() ?? "none"}");
        }

        if (divergence.Quarantine is not null && !_wasQuarantined)
        {
            _wasQuarantined = true;
            _cluster.Counters.Increment(CoverageMark.Quarantined);
            _cluster.EventLog.Record(Id, "is quarantined");
        }

        if (divergence.HasNoMajority)
            _cluster.Counters.Increment(CoverageMark.StatesDifferWithoutMajority);
        _hasMarker = divergence.IsMarkerDurable;
    }

    private void PollClients()
    {
        for (var i = _waitingClients.Count - 1; i >= 0; i--)
            _waitingClients[i].Poll();
    }
}
