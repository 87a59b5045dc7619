using System.Globalization;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Simulation;

/// <summary>A member's machine: its disk and clock, which outlive its processes, and the process that runs, if one does.</summary>
internal sealed class Member
{
    /// <summary>From being woken to taking a turn.</summary>
    private const long WakeTakes = 5;

    /// <summary>Looked up for each event: an enum writes its name anew each time.</summary>
    private static readonly string[] NameOf = [.. Enumerable.Range(0, 256).Select(static i => ((TraceKind)i).ToString())];

    private readonly Cluster _cluster;
    private readonly List<IClient> _waiting = [];
    private readonly Action _turnIsDue;

    /// <summary>The core that runs, or that ran last.</summary>
    private RaftCore? _core;
    private long _turnAt = long.MaxValue;

    /// <summary>The latest moment for which a turn is on the agenda, due or not.</summary>
    private long _turnAsked;

    private bool _mustStop;

    /// <summary>Term and vote that were on the disk, flushed, and how far the log was that was flushed and known to be committed.</summary>
    private (HardState State, LogIndex Committed) _kept;

    /// <summary>The last entry of the log that went with a lost folder: what it had acknowledged counts, as far as the atlas allows it to be lost.</summary>
    private EntryId _lost;

    public Member(Cluster cluster, NodeId id, ulong seed)
    {
        Dice Stream(string of) => Dice.For(seed, $"{of} of {id}");

        _cluster = cluster;
        _turnIsDue = TurnIsDue;
        Id = id;
        Clock = SimulatedClock.Draw(cluster.Time, cluster.Weather.DriftPerMille, Stream("clock"));
        WalOptions = cluster.WalOptions(Stream("nonces").Next);
        Restarts = Stream("restarts");
        Seeds = Stream("seeds");
        Incarnations = Stream("incarnations");
        DiskDice = Stream("disk");
        Disk = new SimulatedDisk(cluster.Time, cluster.Tally);
    }

    public NodeId Id { get; }

    public SimulatedDisk Disk { get; }

    public SimulatedClock Clock { get; }

    public WalOptions WalOptions { get; }

    /// <summary>When it comes back after an end.</summary>
    public Dice Restarts { get; }

    /// <summary>The seeds of its processes.</summary>
    public Dice Seeds { get; }

    /// <summary>What its folders are called.</summary>
    public Dice Incarnations { get; }

    /// <summary>How long its disk takes, and what is left on it.</summary>
    public Dice DiskDice { get; }

    /// <summary>The process, or null while there is none.</summary>
    public Process? Process { get; private set; }

    /// <summary>It stays down until the run says otherwise.</summary>
    public bool IsBanned { get; set; }

    /// <summary>Stopped by a signal until then: nothing of it runs.</summary>
    public long PausedUntil { get; private set; }

    /// <summary>Its disk was replaced by an empty one.</summary>
    public bool HasLostItsFolder { get; private set; }

    /// <summary>Everything up to here was on the disk, flushed, when last looked at.</summary>
    public LogIndex OnDisk { get; private set; }

    /// <summary>Nothing of its process runs until then. Of several pauses the one that ends last counts.</summary>
    public void Pause(long until)
    {
        PausedUntil = Math.Max(PausedUntil, until);
        _cluster.Chronicle.Note(Id, "pauses", string.Create(CultureInfo.InvariantCulture, $"until {until / 1e6}"));
    }

    public void Resume() => PausedUntil = 0;

    /// <summary>Its clock leaps ahead while its process runs, and whatever waits for a moment has waited long enough.</summary>
    public void LeapAhead(long span)
    {
        Clock.Leap(span);
        _cluster.Chronicle.Note(Id, "its clock leaps", $"by {span / 1e6} s");
        if (Process is { } process)
            Wake(process);
    }

    /// <summary>Starts a process on what the disk holds; tries again later if the disk refuses.</summary>
    public void Start()
    {
        if (Process is not null || IsBanned)
            return;

        Disk.NewProcess();
        try
        {
            Process = new Process(_cluster, this);
        }
        catch (PowerCutException)
        {
            _cluster.RestartLater(this);
            EndInDiskCall();
            return;
        }
        catch (WalCorruptionException damage) when (_cluster.Atlas.IsDamaged(Id))
        {
            // There is no other member yet that could give it what it has lost: it stays down.
            _cluster.Tally.Add(Mark.DamageRefused);
            _cluster.Chronicle.Note(Id, "refuses to start", damage.Message);
            IsBanned = true;
            return;
        }
        catch (IOException fault) when (fault is not WalCorruptionException && Disk.HasFailed)
        {
            _cluster.Chronicle.Note(Id, "cannot start", fault.Message);
            _cluster.RestartLater(this);
            return;
        }

        Disk.CanDoWithout();
        CheckWhatIsKept();
        _core = Process.Core;
        _cluster.Chronicle.Started(_core);
        _cluster.Network.Bind(Id, Process.Endpoint);
        NoteWhatIsOnDisk();
        _mustStop = false;
        TurnAt(_cluster.Time.Now + WakeTakes);
    }

    /// <summary>The process ends; the system keeps what it wrote.</summary>
    public void Kill(string why)
    {
        if (Process is null)
            return;
        _cluster.Chronicle.Ended(Id, why);
        if (Process.Core.Role == Role.Leader)
            _cluster.Tally.Add(Mark.LeaderEnded);
        else if (Process.Core.Role != Role.Follower)
            _cluster.Tally.Add(Mark.EndedDuringElection);
        Process = null;
        _turnAt = long.MaxValue;
        PausedUntil = 0;
        _cluster.Network.Bind(Id, null);
        for (var i = _waiting.Count - 1; i >= 0; i--)
            _waiting[i].NodeIsGone();
        _waiting.Clear();
        _cluster.TellThatItEnded(this);
        _cluster.RestartLater(this);
    }

    /// <summary>The machine loses its power, whether a process runs or not.</summary>
    public void PowerCut(Unflushed left)
    {
        _cluster.Tally.Add("power cut");
        if (Process is null)
            _cluster.RestartLater(this);
        Kill($"power cut, what was not flushed is {left}");
        Disk.PowerCut(left, DiskDice);
    }

    /// <summary>Its disk is replaced by an empty one; it starts as before.</summary>
    public void LoseFolder()
    {
        Kill("its folder is lost");
        Disk.Wipe();
        HasLostItsFolder = true;
        _kept = default;
        _cluster.Network.TellVote(Id, default);
        if (_core?.TermAt(OnDisk) is { } term)
            _lost = new EntryId(term, OnDisk);
    }

    /// <summary>Its disk holds that entry, or held it when it was lost, flushed, and not another in its place: what a core says is durable is a claim, and what the disk says knows no terms.</summary>
    public bool HoldsFlushed(EntryId entry) =>
        (_lost.Index >= entry.Index && _lost.Term >= entry.Term) || (OnDisk >= entry.Index && _core is { } core && core.DurableIndex >= entry.Index && core.TermAt(entry.Index) == entry.Term);

    public void Wait(IClient client) => _waiting.Add(client);

    public void NoLongerWaits(IClient client) => _waiting.Remove(client);

    public void Wake(Process process)
    {
        if (ReferenceEquals(process, Process))
            TurnAt(_cluster.Time.Now + WakeTakes);
    }

    public long FlushLatency() => _cluster.IsQuiet ? _cluster.Weather.FlushMin : DiskDice.Between(_cluster.Weather.FlushMin, _cluster.Weather.FlushMax);

    public long ApplyLatency() => _cluster.IsQuiet ? 1 : DiskDice.Between(1, _cluster.Weather.ApplyMax);

    public Unflushed DrawUnflushed() => DiskDice.Pick(Unflushed.Dropped, Unflushed.Kept, Unflushed.Mixed, Unflushed.Mixed);

    /// <summary>A thread of the process does a piece of work.</summary>
    public void Do(Process process, Action work)
    {
        if (!ReferenceEquals(process, Process))
            return;
        if (_cluster.Time.Now < PausedUntil)
        {
            _cluster.Time.At(PausedUntil, () => Do(process, work));
            return;
        }

        var reads = Disk.Reads;
        work();
        if (Disk.Reads != reads)
            _cluster.Tally.Add("entries read back");
        if (Disk.IsOff)
        {
            EndInDiskCall();
            return;
        }

        if (!Disk.HasFailed)
            NoteWhatIsOnDisk();
        PollWaiting();
    }

    public void Observe(RaftCore core, List<TraceEvent> events)
    {
        foreach (var happened in events)
        {
            _cluster.Tally.Add(NameOf[(int)happened.Kind]);
            if (happened.Kind is TraceKind.Appended or TraceKind.Committed or TraceKind.ReadConfirmed)
                _cluster.Chronicle.Mix((ulong)happened.Kind ^ happened.Index.Value);
            else
                _cluster.Chronicle.Note(Id, happened);
            if (happened.Kind == TraceKind.BecameLeader && !_cluster.Reigns.Leads(core))
                _cluster.Tally.Add(Mark.ElectedInThePast);
            if (happened.Kind == TraceKind.BecameCandidate && _cluster.Members.Exists(m => m != this && m.Process is { Core: { Role: Role.Candidate } other } && other.Term == core.Term))
                _cluster.Tally.Add(Mark.VoteSplit);
        }
    }

    private void EndInDiskCall()
    {
        _cluster.Tally.Add("end in the middle of a disk call");
        if (Disk.IsKill)
            Kill("killed in a disk call");
        else
            PowerCut(DrawUnflushed());
    }

    private void NoteWhatIsOnDisk()
    {
        var log = Process!.Log;
        OnDisk = Disk.IsClean ? log.LastIndex : LogIndex.Min(OnDisk, log.LastIndex);

        // What the core has truncated and the disk not yet is on the disk still, and is not what was committed in its place.
        var core = Process.Core;
        var committed = LogIndex.Min(OnDisk, LogIndex.Min(core.DurableIndex, core.CommitIndex));
        _kept = (Disk.IsClean ? log.HardState : _kept.State, LogIndex.Max(_kept.Committed, committed));
    }

    /// <summary>
    /// Whatever became of its disk: a member that starts has all that it had flushed of term and vote, and of what it knew to be committed. And it has the vote of which it has told others, flushed or
    /// not: of those who forget one, few are asked for another in the same term, and of these few give it to one who wins.
    /// </summary>
    private void CheckWhatIsKept()
    {
        var (log, (state, committed), told) = (Process!.Log, _kept, _cluster.Network.VoteToldBy(Id));
        if (!Remembers(log.HardState, state) || log.LastIndex < committed)
            throw new ViolationException("DurableIsKept", $"{Id} had {state} and entries committed up to {committed}; it starts with {log.HardState} and entries up to {log.LastIndex}");
        if (!Remembers(log.HardState, told))
            throw new ViolationException("VoteIsKept", $"{Id} has told that it voted for {told.VotedFor} in term {told.Term}; it starts with {log.HardState}");
    }

    private static bool Remembers(HardState now, HardState before) =>
        now.Term > before.Term || (now.Term == before.Term && (before.VotedFor == NodeId.None || now.VotedFor == before.VotedFor));

    private bool IsFaultOfTheDisk(IOException fault) =>
        (fault as WalCorruptionException ?? fault.InnerException) is WalCorruptionException ? _cluster.Atlas.IsDamaged(Id) : Disk.HasFailed;

    private void TurnAt(long moment)
    {
        moment = Math.Max(moment, PausedUntil);
        if (moment >= _turnAt)
            return;

        // Turns in between do not move the next tick, but for the last digit of a clock that is off: what was asked for it still stands.
        if (moment <= _turnAsked && _turnAsked <= moment + 2)
        {
            _turnAt = _turnAsked;
            return;
        }

        _turnAt = moment;
        _turnAsked = Math.Max(_turnAsked, moment);
        _cluster.Time.At(moment, _turnIsDue);
    }

    private void TurnIsDue()
    {
        if (_turnAt == _cluster.Time.Now)
            TakeTurn();
    }

    private void TakeTurn()
    {
        _turnAt = long.MaxValue;
        var now = _cluster.Time.Now;
        if (now < PausedUntil)
        {
            TurnAt(PausedUntil);
            return;
        }

        var process = Process!;
        try
        {
            // The loop is told at the end of the flush that failed, so the turn in which it hears is the last.
            _mustStop = Disk.HasFailed;
            if (process.Turn())
                _cluster.CheckAcross(process.State);
        }
        catch (PowerCutException)
        {
            _cluster.Tally.Add("end in the middle of a turn");
            if (DiskDice.Chance(500))
                PowerCut(DrawUnflushed());
            else
                Kill("in the middle of a turn");
            return;
        }
        catch (IOException fault) when (IsFaultOfTheDisk(fault))
        {
            Kill(fault.Message);
            return;
        }

        if (_mustStop)
            throw new ViolationException("DiskFailureStopsTheNode", $"{Id} goes on after its disk failed");
        PollWaiting();
        if (Process is not null)
            TurnAt(now + Math.Max(1, Clock.ToWorld(process.UntilNextTick)));
    }

    private void PollWaiting()
    {
        for (var i = _waiting.Count - 1; i >= 0; i--)
            _waiting[i].Poll();
    }
}
