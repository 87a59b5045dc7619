using Quorate.Raft;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Specification;

/// <summary>The twin within its bounds, to be searched whole: Next, and the fingerprint under which servers that are alike may change places.</summary>
internal sealed class TwinModel(Constants constants) : IModel<SpecificationState, SpecificationAction>
{
    private readonly QuorateRaft _raft = new(constants);
    private readonly int[][] _renamings = [.. Renamings(constants)];
    private readonly List<ulong> _words = [];
    private readonly Dictionary<ActionName, long> _taken = [];

    /// <summary>How often each action was taken.</summary>
    public IReadOnlyDictionary<ActionName, long> Taken => _taken;

    public IEnumerable<SpecificationState> InitialStates => [constants.BeginsElected ? _raft.Elected() : _raft.Initial()];

    public void Check(SpecificationState state) => _raft.HoldNow(state);

    public void ActionsOf(SpecificationState state, List<SpecificationAction> actions)
    {
        for (var i = 0; i < state.Servers.Length; i++)
            ActionsOf(state, i, actions);
    }

    private void ActionsOf(SpecificationState s, int i, List<SpecificationAction> actions)
    {
        var server = s.Servers[i];
        var reign = s.ReignOf(server.Term);
        void Add(ActionName name, int a = 0, int b = 0, int c = 0, int d = 0) => actions.Add(new SpecificationAction(name, i, a, b, c, d));
        void AddEach(ActionName name, int to)
        {
            for (var n = 1; n <= to; n++)
                Add(name, n);
        }

        AddEach(ActionName.OnDurable, server.Writes.Length);
        if (s.Spent.Restarts < constants.MaxRestarts)
            AddRestarts(server, i, actions);
        AddEach(ActionName.TryAdoptTerm, constants.MaxTerm);
        if (server.Role == Role.Leader)
            Add(ActionName.BecomeFollower);
        if (server.Term < constants.MaxTerm)
        {
            Add(ActionName.BecomePreCandidate);
            Add(ActionName.BecomeCandidate);
        }

        for (var m = 0; m < s.Messages.Length; m++)
        {
            if (s.Messages[m].Kind is SaidKind.RequestVote or SaidKind.RequestPreVote)
                Add(ActionName.OnRequestVote, m);
        }

        Add(ActionName.BecomeLeader);
        if (s.Spent.Commands < constants.MaxCommands)
            Add(ActionName.OnPropose);

        AddHearsEntries(server, reign, i, actions);
        AddEach(ActionName.AdvanceCommit, server.Log.Length);
        if (s.Spent.Reads < constants.MaxReads)
            Add(ActionName.OnRead);
        Add(ActionName.StartReadRound);
        AddEach(ActionName.AnswerRound, reign.Round);
        Add(ActionName.ConfirmReads);
        if (s.Spent.Changes < constants.MaxChanges)
        {
            for (var target = 0; target < constants.Targets.Count; target++)
                Add(ActionName.EnterJoint, target);
        }

        Add(ActionName.LeaveJoint);
        if (s.Spent.Snapshots < constants.MaxSnapshots)
            AddEach(ActionName.TakeSnapshot, server.Commit);
        AddEach(ActionName.InstallSnapshot, reign.Snapshot);
    }

    private static void AddHearsEntries(Server server, Reign reign, int i, List<SpecificationAction> actions)
    {
        var agree = server.Log.Agreement(reign.Log);
        for (var last = agree; last <= reign.Log.Length; last++)
            actions.Add(new SpecificationAction(ActionName.OnAppendEntries, i, agree, last, reign.Commit));
        for (var last = 1; last <= agree; last++)
            actions.Add(new SpecificationAction(ActionName.OnAppendEntries, i, last - 1, last, 0));
    }

    private static void AddRestarts(Server server, int i, List<SpecificationAction> actions)
    {
        for (var write = 0; write <= server.Writes.Length; write++)
        {
            var snapshot = server.ImageAfter(write).Snapshot;
            foreach (var log in QuorateRaft.SurvivingLogs(server, write))
            {
                for (var hard = write; hard <= server.Writes.Length; hard++)
                {
                    for (var commit = snapshot; commit <= Math.Max(snapshot, server.Commit); commit++)
                        actions.Add(new SpecificationAction(ActionName.Restart, i, hard, write, log.Length, commit));
                }
            }
        }
    }

    public SpecificationState? Next(SpecificationState s, SpecificationAction action)
    {
        var next = Enabled(s, action);
        if (next is null)
            return null;
        QuorateRaft.HoldBetween(s, next);
        _taken[action.Name] = _taken.GetValueOrDefault(action.Name) + 1;
        return next;
    }

    private SpecificationState? Enabled(SpecificationState s, SpecificationAction action)
    {
        var i = action.Server;
        return action.Name switch
        {
            ActionName.OnDurable => QuorateRaft.OnDurable(s, i, action.A),
            ActionName.Restart => QuorateRaft.Restart(s, i, action.A, action.B, s.Servers[i].ImageAfter(action.B).Log.Prefix(action.C), action.D),
            ActionName.TryAdoptTerm => _raft.TryAdoptTerm(s, i, action.A),
            ActionName.BecomeFollower => QuorateRaft.BecomeFollower(s, i),
            ActionName.BecomePreCandidate => _raft.BecomePreCandidate(s, i),
            ActionName.BecomeCandidate => _raft.BecomeCandidate(s, i),
            ActionName.OnRequestVote => _raft.OnRequestVote(s, i, s.Messages[action.A]),
            ActionName.BecomeLeader => _raft.BecomeLeader(s, i),
            ActionName.OnPropose => _raft.OnPropose(s, i),
            ActionName.OnAppendEntries => _raft.OnAppendEntries(s, i, action.A, action.B, action.C),
            ActionName.AdvanceCommit => _raft.AdvanceCommit(s, i, action.A),
            ActionName.OnRead => QuorateRaft.OnRead(s, i),
            ActionName.StartReadRound => QuorateRaft.StartReadRound(s, i),
            ActionName.AnswerRound => QuorateRaft.AnswerRound(s, i, action.A),
            ActionName.ConfirmReads => _raft.ConfirmReads(s, i),
            ActionName.EnterJoint => _raft.EnterJoint(s, i, constants.Targets[action.A]),
            ActionName.LeaveJoint => _raft.LeaveJoint(s, i),
            ActionName.TakeSnapshot => _raft.TakeSnapshot(s, i, action.A),
            ActionName.InstallSnapshot => _raft.InstallSnapshot(s, i, action.A),
            _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
        };
    }

    public ulong Fingerprint(SpecificationState state, StateEncoder encoder)
    {
        var least = ulong.MaxValue;
        foreach (var names in _renamings)
        {
            encoder.Clear();
            Encode(state, names, encoder);
            least = Math.Min(least, encoder.Hash());
        }

        return least;
    }

    /// <summary>The state as it would be if server i were called <c>names[i]</c>.</summary>
    private void Encode(SpecificationState s, int[] names, StateEncoder encoder)
    {
        for (var called = 0; called < names.Length; called++)
            Encode(s.Servers[Array.IndexOf(names, called)], names, encoder);
        foreach (var reign in s.Reigns)
        {
            encoder.Write(reign.Leaders.Renamed(names).Bits);
            Encode(reign.Log, names, encoder);
            encoder.Write(reign.Commit);
            encoder.Write(reign.Snapshot);
            encoder.Write(reign.Round);
        }

        EncodeSet(s.Messages, m => Word(m, names), encoder);
        EncodeSet(s.Granted, static g => Word(g.Index, g.Needed), encoder);
        encoder.Write(Word(s.Spent.Commands, s.Spent.Restarts, s.Spent.Changes, s.Spent.Snapshots, s.Spent.Reads));
    }

    private void Encode(Server server, int[] names, StateEncoder encoder)
    {
        encoder.Write((int)server.Role);
        Encode(new DiskImage(server.Term, server.Vote, server.Log, server.Snapshot), names, encoder);
        encoder.Write(server.Commit);
        encoder.Write(server.Round);
        EncodeSet(server.Reads, static r => Word(r.Round, r.Index, r.Needed), encoder);
        Encode(server.Disk, names, encoder);
        encoder.Write(server.Writes.Length);
        foreach (var write in server.Writes)
        {
            Encode(write.Image, names, encoder);
            EncodeSet(write.Say, m => Word(m, names), encoder);
        }
    }

    private static void Encode(DiskImage image, int[] names, StateEncoder encoder)
    {
        encoder.Write(image.Term);
        encoder.Write(Named(image.Vote, names));
        Encode(image.Log, names, encoder);
        encoder.Write(image.Snapshot);
    }

    private static void Encode(Log log, int[] names, StateEncoder encoder)
    {
        encoder.Write(log.Length);
        for (var n = 1; n <= log.Length; n++)
        {
            var entry = log.At(n);
            encoder.Write(entry.Term);
            encoder.Write(entry.Voters.Renamed(names).Bits);
            encoder.Write(entry.Outgoing.Renamed(names).Bits);
        }
    }

    private void EncodeSet<T>(IReadOnlyCollection<T> set, Func<T, ulong> word, StateEncoder encoder)
    {
        _words.Clear();
        foreach (var one in set)
            _words.Add(word(one));
        _words.Sort();
        encoder.Write(_words.Count);
        foreach (var one in _words)
            encoder.Write(one);
    }

    private static ulong Word(Said m, int[] names) => Word((int)m.Kind, Named(m.From, names), Named(m.To, names), m.Term, m.Number, m.LastTerm);

    /// <summary>Small numbers side by side, a byte each.</summary>
    private static ulong Word(params ReadOnlySpan<int> numbers)
    {
        var word = 0UL;
        foreach (var number in numbers)
            word = word << 8 | checked((byte)number);
        return word;
    }

    private static int Named(int server, int[] names) => server == Server.Nobody ? names.Length : names[server];

    private static IEnumerable<int[]> Renamings(Constants constants) =>
        Renamings(Enumerable.Range(0, constants.Servers).ToArray(), 0, constants.Alike);

    private static IEnumerable<int[]> Renamings(int[] names, int from, ServerSet alike)
    {
        if (from == names.Length)
        {
            yield return [.. names];
            yield break;
        }

        for (var i = from; i < names.Length; i++)
        {
            if (i != from && !(alike.Contains(from) && alike.Contains(i)))
                continue;
            (names[from], names[i]) = (names[i], names[from]);
            foreach (var renaming in Renamings(names, from + 1, alike))
                yield return renaming;
            (names[from], names[i]) = (names[i], names[from]);
        }
    }
}
