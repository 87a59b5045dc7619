using Quorate.Node.Driver;
using Quorate.Node.Io;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Network;
using Quorate.Verification.Simulation.Workload;
using Quorate.Verification.Specification;
using Quorate.Verification.Tracing;
using IncarnationStore = Quorate.Node.Transport.IncarnationStore;

namespace Quorate.Verification.Simulation;

/// <summary>One life of a member: the real loop, log, applier and core, put together as a running node puts them together.</summary>
internal sealed class Process
{
    private readonly RaftDriver _loop;
    private readonly TickClock _clock;
    private readonly Member _member;
    private readonly Cluster _cluster;
    private readonly VirtualTime _now;
    private readonly TraceWriter? _trace;
    private readonly MarksOfAStep _marks;
    private readonly IncarnationStore _incarnations;
    private readonly ulong[] _metLately;
    private readonly Refinement? _refinement;
    private int _effectsUntilCut = -1;
    private CoreState _last;
    private bool _hasChanged;

    /// <exception cref="IOException">The disk refused.</exception>
    /// <exception cref="PowerCutException">The power went off while it recovered.</exception>
    public Process(Cluster cluster, Member member)
    {
        _member = member;
        _cluster = cluster;
        _metLately = new ulong[cluster.Members.Count + 1];
        _now = cluster.Time;
        _trace = cluster.Trace;
        _marks = new MarksOfAStep(cluster.Tally);

        // Whoever has lost its folder talks to nobody any more: as if it were down for ever.
        _refinement = member.HasLostItsFolder ? null : cluster.Refinement;
        var (weather, wal) = (cluster.Weather, member.WalOptions);
        _incarnations = IncarnationStore.Open(member.Disk, member.Incarnations.Next);
        (Log, var recovered) = WriteAheadLog.Open(member.Disk, wal);
        if (recovered.TruncatedTail is not null)
            cluster.Tally.Add(Mark.TornTailCut);
        if (cluster.IsQuiet)
            cluster.Tally.Add(Mark.StartedInTheQuiet);

        var seed = member.Seeds.Next();
        var waitingMax = weather.IsTight ? 4 : 1024;
        (Clients, Reads) = (new ProposalQueue(waitingMax, 1 << 20, new GroupCommitHold(member.Clock, Wake)), new PendingReads(waitingMax));
        DiskWorker = new SimulatedWorker(cluster.Time, Effect, work => member.Do(this, work), member.FlushLatency);
        ApplyWorker = new SimulatedWorker(cluster.Time, Effect, work => member.Do(this, work), member.ApplyLatency);
        Machine = cluster.Application.NewHost(member.Id, firstSequence: seed >> 1, Reads, ApplyWorker, recovered.FirstIndex - 1, Wake);
        var restored = StartupRecovery.Run(Log, recovered, cluster.Configuration, Machine.Replay, CancellationToken.None);
        Core = new RaftCore(cluster.OptionsOf(member.Id, seed), restored);
        _refinement?.OnStart(Core);
        Endpoint = new Endpoint(cluster.Network, member.Id, _incarnations.Own, Meets, Effect, Wake, cluster.Trace);
        _clock = new TickClock(member.Clock, TimeSpan.FromMilliseconds(weather.HeartbeatMs) / 10, ticksAtOnceMax: 10);
        _loop = new RaftDriver(Core, Endpoint, new LogWriter(Log, wal, DiskWorker, Wake), Machine.Applier, Reads, Clients, _clock, Observe);
        _last = CoreState.Of(Core);
        cluster.Logs.Began(Core);
    }

    public RaftCore Core { get; }

    public IMachineHost Machine { get; }

    public WriteAheadLog Log { get; }

    public PendingReads Reads { get; }

    public ProposalQueue Clients { get; }

    public Endpoint Endpoint { get; }

    public SimulatedWorker DiskWorker { get; }

    public SimulatedWorker ApplyWorker { get; }

    /// <summary>When the next tick is due, by this member's clock.</summary>
    public TimeSpan UntilNextTick => _clock.UntilNext;

    /// <summary>What the core was when it was last looked at.</summary>
    public CoreState State => _last;

    /// <summary>The process ends in the middle of a turn: before the n-th effect that it carries out from now on.</summary>
    public void CutAfterEffects(int effects) => _effectsUntilCut = effects;

    /// <summary>One turn of the real loop, each step of it checked. True when something has changed.</summary>
    public bool Turn()
    {
        _hasChanged = false;
        if (_loop.RunOnce())
            Wake();
        return _hasChanged;
    }

    public void Wake() => _member.Wake(this);

    private bool Meets(NodeId peer, ulong incarnation)
    {
        // Asked for every message: the book is for the first of each.
        if (incarnation == 0 || _metLately[peer.Value] == incarnation)
            return true;
        var hadFailed = _member.Disk.HasFailed;
        try
        {
            if (!_incarnations.TryRecord(peer, incarnation))
            {
                _cluster.Tally.Add(Mark.AnotherFolderRefused);
                return false;
            }

            _metLately[peer.Value] = incarnation;
            _cluster.Met.Add((_member.Id, peer));
            return true;
        }
        catch (IOException fault) when (fault is not DiskFlushException && !hadFailed)
        {
            // The disk is full: whoever cannot be remembered is not let in, and the node goes on.
            _member.Disk.CanDoWithout();
            return false;
        }
    }

    private void Effect()
    {
        if (_effectsUntilCut >= 0 && _effectsUntilCut-- == 0)
            throw new PowerCutException();
    }

    private void Observe(RaftCore core, in Input input, Effects effects)
    {
        _trace?.WriteStep(_now.Now, core, input, effects, Endpoint.Received);
        _marks.Look(core, input, effects);
        _refinement?.OnStep(core, input, effects);
        Check(effects.Append.Entries.Span);
        if (effects.Trace.Count > 0)
            _member.Observe(core, effects.Trace);
    }

    private void Check(ReadOnlySpan<LogEntry> appended)
    {
        var now = CoreState.Of(Core);
        if (now == _last && appended.IsEmpty)
            return;
        RaftInvariants.CheckTransition(_last, now);
        if (!appended.IsEmpty)
            _cluster.Logs.Appended(Core, appended[0].Index);
        if (now.Commit > _last.Commit)
            _cluster.Logs.Committed(Core, _last.Commit);
        _last = now;
        _hasChanged = true;
    }
}
