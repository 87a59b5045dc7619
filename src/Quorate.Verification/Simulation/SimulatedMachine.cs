using System.Globalization;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Simulation;

/// <summary>A member's machine: its disk and clock, which outlive its processes, and the process that runs, if one does.</summary>
internal sealed class SimulatedMachine
{
    /// <summary>From being woken to taking a turn.</summary>
    private const long WakeLatency = 5;

    /// <summary>Looked up for each event: an enum writes its name anew each time.</summary>
    private static readonly string[] TraceKindNames = [.. Enumerable.Range(0, 256).Select(static i => ((TraceKind)i).ToString())];

    private readonly Cluster _cluster;
    private readonly List<IClient> _waitingClients = [];
    private readonly Action _onIterationDue;

    /// <summary>The core that runs, or that ran last.</summary>
    private RaftCore? _core;
    private long _nextIterationAt = long.MaxValue;

    /// <summary>The latest moment for which a turn is on the agenda, due or not.</summary>
    private long _latestScheduledAt;

    private bool _mustStop;

    /// <summary>Term and vote that were on the disk, flushed, and how far the log was that was flushed and known to be committed.</summary>
    private (HardState State, LogIndex Committed) _durable;

    /// <summary>The last entry of the log that went with a lost folder: what it had acknowledged counts, as far as the atlas allows it to be lost.</summary>
    private EntryId _lastWipedEntry;

    public SimulatedMachine(Cluster cluster, NodeId id, ulong seed)
    {
        Prng DeriveStream(string concern) => Prng.Derive(seed, $"{concern} of {id}");

        _cluster = cluster;
        _onIterationDue = OnIterationDue;
        Id = id;
        Clock = SimulatedClock.Draw(cluster.Time, cluster.Swarm.DriftPerMille, DeriveStream("clock"));
        WalOptions = cluster.WalOptions(DeriveStream("nonces").Next);
        RestartPrng = DeriveStream("restarts");
        SeedPrng = DeriveStream("seeds");
        IncarnationPrng = DeriveStream("incarnations");
        DiskPrng = DeriveStream("disk");
        Disk = new SimulatedDisk(cluster.Time, cluster.Counters);
    }

    public NodeId Id { get; }

    public SimulatedDisk Disk { get; }

    public SimulatedClock Clock { get; }

    public WalOptions WalOptions { get; }

    /// <summary>When it comes back after an end.</summary>
    public Prng RestartPrng { get; }

    /// <summary>The seeds of its processes.</summary>
    public Prng SeedPrng { get; }

    /// <summary>What its folders are called.</summary>
    public Prng IncarnationPrng { get; }

    /// <summary>How long its disk takes, and what is left on it.</summary>
    public Prng DiskPrng { get; }

    /// <summary>The process, or null while there is none.</summary>
    public SimulatedProcess? Process { get; private set; }

    /// <summary>It stays down until the run says otherwise.</summary>
    public bool StaysDown { get; set; }

    /// <summary>Stopped by a signal until then: nothing of it runs.</summary>
    public long PausedUntil { get; private set; }

    /// <summary>Its disk was replaced by an empty one.</summary>
    public bool IsWiped { get; private set; }

    /// <summary>Everything up to here was on the disk, flushed, when last looked at.</summary>
    public LogIndex FlushedIndex { get; private set; }

    /// <summary>Nothing of its process runs until then. Of several pauses the one that ends last counts.</summary>
    public void Pause(long until)
    {
        PausedUntil = Math.Max(PausedUntil, until);
        _cluster.EventLog.Record(Id, "pauses", string.Create(CultureInfo.InvariantCulture, $"until {until / 1e6}"));
    }

    public void Resume() => PausedUntil = 0;

    /// <summary>Its clock leaps ahead while its process runs, and whatever waits for a moment has waited long enough.</summary>
    public void JumpClock(long span)
    {
        Clock.Jump(span);
        _cluster.EventLog.Record(Id, "its clock leaps", $"by {span / 1e6} s");
        if (Process is { } process)
            Wake(process);
    }

    /// <summary>Starts a process on what the disk holds; tries again later if the disk refuses.</summary>
    public void Start()
    {
        if (Process is not null || StaysDown)
            return;

        Disk.OnProcessStart();
        try
        {
            Process = new SimulatedProcess(_cluster, this);
        }
        catch (PowerCutException)
        {
            _cluster.ScheduleRestart(this);
            EndDuringDiskCall();
            return;
        }
        catch (WalCorruptionException corruption) when (_cluster.FaultAtlas.IsCorrupted(Id))
        {
            // There is no other member yet that could give it what it has lost: it stays down.
            _cluster.Counters.Increment(CoverageMark.StartRefusedOnCorruption);
            _cluster.EventLog.Record(Id, "refuses to start", corruption.Message);
            StaysDown = true;
            return;
        }
        catch (IOException fault) when (fault is not WalCorruptionException && Disk.HasFailed)
        {
            _cluster.EventLog.Record(Id, "cannot start", fault.Message);
            _cluster.ScheduleRestart(this);
            return;
        }

        Disk.ForgiveFailure();
        CheckDurableState();
        _core = Process.Core;
        _cluster.EventLog.RecordProcessStart(_core);
        _cluster.Network.Bind(Id, Process.Endpoint);
        UpdateDurableState();
        _mustStop = false;
        ScheduleIteration(_cluster.Time.Now + WakeLatency);
    }

    /// <summary>The process ends; the system keeps what it wrote.</summary>
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

    /// <summary>The machine loses its power, whether a process runs or not.</summary>
    public void PowerCut(PowerLossOutcome outcome)
    {
        _cluster.Counters.Increment("power cut");
        if (Process is null)
            _cluster.ScheduleRestart(this);
        Kill($"power cut, what was not flushed is {outcome}");
        Disk.PowerCut(outcome, DiskPrng);
    }

    /// <summary>Its disk is replaced by an empty one; it starts as before.</summary>
    public void WipeDisk()
    {
        Kill("its folder is lost");
        Disk.Wipe();
        IsWiped = true;
        _durable = default;
        _cluster.Network.RecordAnnouncedVote(Id, default);
        if (_core?.TermAt(FlushedIndex) is { } term)
            _lastWipedEntry = new EntryId(term, FlushedIndex);
    }

    /// <summary>Its disk holds that entry, or held it when it was lost, flushed, and not another in its place: what a core says is durable is a claim, and what the disk says knows no terms.</summary>
    public bool HoldsFlushed(EntryId entry) =>
        (_lastWipedEntry.Index >= entry.Index && _lastWipedEntry.Term >= entry.Term) || (FlushedIndex >= entry.Index && _core is { } core && core.DurableIndex >= entry.Index && core.TermAt(entry.Index) == entry.Term);

    public void AddWaitingClient(IClient client) => _waitingClients.Add(client);

    public void RemoveWaitingClient(IClient client) => _waitingClients.Remove(client);

    public void Wake(SimulatedProcess process)
    {
        if (ReferenceEquals(process, Process))
            ScheduleIteration(_cluster.Time.Now + WakeLatency);
    }

    public long FlushLatency() => _cluster.IsInLivenessPhase ? _cluster.Swarm.FlushMin : DiskPrng.Between(_cluster.Swarm.FlushMin, _cluster.Swarm.FlushMax);

    public long ApplyLatency() => _cluster.IsInLivenessPhase ? 1 : DiskPrng.Between(1, _cluster.Swarm.ApplyMax);

    public PowerLossOutcome DrawPowerLossOutcome() => DiskPrng.Pick(PowerLossOutcome.Dropped, PowerLossOutcome.Kept, PowerLossOutcome.Mixed, PowerLossOutcome.Mixed);

    /// <summary>A thread of the process does a piece of work.</summary>
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
            if (traceEvent.Kind == TraceKind.BecameLeader && !_cluster.LeaderHistory.OnElected(core))
                _cluster.Counters.Increment(CoverageMark.ElectedInOldTerm);
            if (traceEvent.Kind == TraceKind.BecameCandidate && _cluster.Members.Exists(m => m != this && m.Process is { Core: { Role: Role.Candidate } other } && other.Term == core.Term))
                _cluster.Counters.Increment(CoverageMark.VoteSplit);
        }
    }

    private void EndDuringDiskCall()
    {
        _cluster.Counters.Increment("end in the middle of a disk call");
        if (Disk.IsProcessKill)
            Kill("killed in a disk call");
        else
            PowerCut(DrawPowerLossOutcome());
    }

    private void UpdateDurableState()
    {
        var log = Process!.Log;
        FlushedIndex = Disk.IsClean ? log.LastIndex : LogIndex.Min(FlushedIndex, log.LastIndex);

        // What the core has truncated and the disk not yet is on the disk still, and is not what was committed in its place.
        var core = Process.Core;
        var committed = LogIndex.Min(FlushedIndex, LogIndex.Min(core.DurableIndex, core.CommitIndex));
        _durable = (Disk.IsClean ? log.HardState : _durable.State, LogIndex.Max(_durable.Committed, committed));
    }

    /// <summary>
    /// Whatever became of its disk: a member that starts has all that it had flushed of term and vote, and of what it knew to be committed. And it has the vote of which it has told others, flushed or
    /// not: of those who forget one, few are asked for another in the same term, and of these few give it to one who wins.
    /// </summary>
    private void CheckDurableState()
    {
        var (log, (state, committed), announcedVote) = (Process!.Log, _durable, _cluster.Network.AnnouncedVoteOf(Id));
        if (!Retains(log.HardState, state) || log.LastIndex < committed)
            throw new ViolationException("DurableIsKept", $"{Id} had {state} and entries committed up to {committed}; it starts with {log.HardState} and entries up to {log.LastIndex}");
        if (!Retains(log.HardState, announcedVote))
            throw new ViolationException("VoteIsKept", $"{Id} has told that it voted for {announcedVote.VotedFor} in term {announcedVote.Term}; it starts with {log.HardState}");
    }

    private static bool Retains(HardState now, HardState before) =>
        now.Term > before.Term || (now.Term == before.Term && (before.VotedFor == NodeId.None || now.VotedFor == before.VotedFor));

    private bool IsDiskFault(IOException fault) =>
        (fault as WalCorruptionException ?? fault.InnerException) is WalCorruptionException ? _cluster.FaultAtlas.IsCorrupted(Id) : Disk.HasFailed;

    private void ScheduleIteration(long moment)
    {
        moment = Math.Max(moment, PausedUntil);
        if (moment >= _nextIterationAt)
            return;

        // Turns in between do not move the next tick, but for the last digit of a clock that is off: what was asked for it still stands.
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
            // The loop is told at the end of the flush that failed, so the turn in which it hears is the last.
            _mustStop = Disk.HasFailed;
            if (process.RunOnce())
                _cluster.CheckCluster(process.State);
        }
        catch (PowerCutException)
        {
            _cluster.Counters.Increment("end in the middle of a turn");
            if (DiskPrng.Chance(500))
                PowerCut(DrawPowerLossOutcome());
            else
                Kill("in the middle of a turn");
            return;
        }
        catch (IOException fault) when (IsDiskFault(fault))
        {
            Kill(fault.Message);
            return;
        }

        if (_mustStop)
            throw new ViolationException("DiskFailureStopsTheNode", $"{Id} goes on after its disk failed");
        PollClients();
        if (Process is not null)
            ScheduleIteration(now + Math.Max(1, Clock.ToVirtualTime(process.UntilNextTick)));
    }

    private void PollClients()
    {
        for (var i = _waitingClients.Count - 1; i >= 0; i--)
            _waitingClients[i].Poll();
    }
}
