using Quorate.Raft;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Specification;

/// <summary>
/// Model for an exhaustive search of the executable specification within its bounds: Next, and a fingerprint that is equal for states that
/// differ only by a permutation of symmetric servers.
/// </summary>
internal sealed class SpecificationModel(SpecConstants constants) : IModel<SpecificationState, SpecificationAction>
{
    private readonly QuorateRaftSpecification _raft = new(constants);
    private readonly int[][] _permutations = [.. Permutations(constants)];
    private readonly List<ulong> _words = [];
    private readonly Dictionary<SpecActionName, long> _actionCounts = [];

    /// <summary>How often each action was taken.</summary>
    public IReadOnlyDictionary<SpecActionName, long> ActionCounts => _actionCounts;

    public IEnumerable<SpecificationState> InitialStates
    {
        get
        {
            // The actions that lead to an initial state leave no pending write.
            var raft = new QuorateRaftSpecification(constants with { MaxWrites = 0, PreVote = false });
            return
            [
                constants.InitialState switch
                {
                    nameof(QuorateRaftSpecification.Init) => raft.Init(),
                    nameof(QuorateRaftSpecification.Elected) => raft.Elected(),
                    nameof(QuorateRaftSpecification.CommandCommitted) => raft.CommandCommitted(),
                    nameof(QuorateRaftSpecification.Figure8) => raft.Figure8(),
                    nameof(QuorateRaftSpecification.Diverged) => raft.Diverged(),
                    nameof(QuorateRaftSpecification.Deposed) => raft.Deposed(),
                    var unknown => throw new InvalidOperationException(
                        $"{unknown} is not an initial state of the executable specification"),
                },
            ];
        }
    }

    public void Check(SpecificationState state) => _raft.CheckState(state);

    public void ActionsOf(SpecificationState state, List<SpecificationAction> actions)
    {
        for (var i = 0; i < state.Servers.Length; i++)
            ActionsOf(state, i, actions);
    }

    private void ActionsOf(SpecificationState s, int i, List<SpecificationAction> actions)
    {
        var server = s.Servers[i];
        var termLog = s.TermLogOf(server.Term);
        void Add(SpecActionName name, int a = 0, int b = 0, int c = 0, int d = 0) =>
            actions.Add(new SpecificationAction(name, i, a, b, c, d));
        void AddEach(SpecActionName name, int to)
        {
            for (var n = 1; n <= to; n++)
                Add(name, n);
        }

        AddEach(SpecActionName.OnDurable, server.Writes.Length);
        if (s.Spent.Restarts < constants.MaxRestarts)
            AddRestarts(server, i, actions);
        AddEach(SpecActionName.TryAdoptTerm, constants.MaxTerm);
        if (server.Role == Role.Leader)
            Add(SpecActionName.BecomeFollower);
        if (server.Term < constants.MaxTerm)
        {
            Add(SpecActionName.BecomePreCandidate);
            Add(SpecActionName.BecomeCandidate);
        }

        for (var m = 0; m < s.Messages.Length; m++)
        {
            if (s.Messages[m].Kind is SpecMessageKind.RequestVote or SpecMessageKind.RequestPreVote)
                Add(SpecActionName.OnRequestVote, m);
        }

        Add(SpecActionName.BecomeLeader);
        if (s.Spent.Commands < constants.MaxCommands)
            Add(SpecActionName.OnPropose);

        AddReceiveEntries(server, termLog, i, actions);
        AddEach(SpecActionName.AdvanceCommit, server.Log.Length);
        if (s.Spent.Reads < constants.MaxReads)
            Add(SpecActionName.OnRead);
        Add(SpecActionName.StartReadRound);
        AddEach(SpecActionName.AnswerRound, termLog.Round);
        Add(SpecActionName.ConfirmReads);
        if (s.Spent.Changes < constants.MaxChanges)
        {
            for (var target = 0; target < constants.Targets.Count; target++)
                Add(SpecActionName.EnterJoint, target);
        }

        Add(SpecActionName.LeaveJoint);
        if (s.Spent.Snapshots < constants.MaxSnapshots)
            AddEach(SpecActionName.TakeSnapshot, server.Log.Length);
        for (var snapshot = 0; snapshot < s.Snapshots.Length; snapshot++)
            Add(SpecActionName.InstallSnapshot, snapshot);
        for (var target = 0; s.Spent.Transfers < constants.MaxTransfers && target < s.Servers.Length; target++)
            Add(SpecActionName.ContinueTransfer, target);
        for (var m = 0; server.Term < constants.MaxTerm && m < s.Messages.Length; m++)
        {
            if (s.Messages[m].Kind == SpecMessageKind.TimeoutNow)
                Add(SpecActionName.OnTimeoutNow, m);
        }
    }

    private static void AddReceiveEntries(SpecServer server, SpecTermLog termLog, int i, List<SpecificationAction> actions)
    {
        var agree = server.Log.Agreement(termLog.Log);
        for (var last = agree; last <= termLog.Log.Length; last++)
            actions.Add(new SpecificationAction(SpecActionName.OnAppendEntries, i, agree, last, termLog.Commit));
        for (var last = 1; last <= agree; last++)
            actions.Add(new SpecificationAction(SpecActionName.OnAppendEntries, i, last - 1, last, 0));
    }

    private static void AddRestarts(SpecServer server, int i, List<SpecificationAction> actions)
    {
        for (var write = 0; write <= server.Writes.Length; write++)
        {
            var logs = QuorateRaftSpecification.SurvivingLogs(server, write).Count();
            for (var log = 0; log < logs; log++)
            {
                for (var hard = write; hard <= server.Writes.Length; hard++)
                {
                    for (var commit = server.Snapshot; commit <= server.Commit; commit++)
                        actions.Add(new SpecificationAction(SpecActionName.Restart, i, hard, write, log, commit));
                }
            }
        }
    }

    public SpecificationState? Next(SpecificationState s, SpecificationAction action)
    {
        var next = Enabled(s, action);
        if (next is null)
            return null;
        QuorateRaftSpecification.CheckTransition(s, next);
        _actionCounts[action.Name] = _actionCounts.GetValueOrDefault(action.Name) + 1;
        return next;
    }

    private SpecificationState? Enabled(SpecificationState s, SpecificationAction action)
    {
        var i = action.Server;
        return action.Name switch
        {
            SpecActionName.OnDurable => QuorateRaftSpecification.OnDurable(s, i, action.A),
            SpecActionName.Restart => QuorateRaftSpecification.Restart(
                s, i, action.A, action.B,
                QuorateRaftSpecification.SurvivingLogs(s.Servers[i], action.B).ElementAt(action.C), action.D),
            SpecActionName.TryAdoptTerm => _raft.TryAdoptTerm(s, i, action.A),
            SpecActionName.BecomeFollower => QuorateRaftSpecification.BecomeFollower(s, i),
            SpecActionName.BecomePreCandidate => _raft.BecomePreCandidate(s, i),
            SpecActionName.BecomeCandidate => _raft.BecomeCandidate(s, i),
            SpecActionName.OnRequestVote => _raft.OnRequestVote(s, i, s.Messages[action.A]),
            SpecActionName.BecomeLeader => _raft.BecomeLeader(s, i),
            SpecActionName.OnPropose => _raft.OnPropose(s, i),
            SpecActionName.OnAppendEntries => _raft.OnAppendEntries(s, i, action.A, action.B, action.C),
            SpecActionName.AdvanceCommit => _raft.AdvanceCommit(s, i, action.A),
            SpecActionName.OnRead => QuorateRaftSpecification.OnRead(s, i),
            SpecActionName.StartReadRound => QuorateRaftSpecification.StartReadRound(s, i),
            SpecActionName.AnswerRound => QuorateRaftSpecification.AnswerRound(s, i, action.A),
            SpecActionName.ConfirmReads => _raft.ConfirmReads(s, i),
            SpecActionName.EnterJoint => _raft.EnterJoint(s, i, constants.Targets[action.A]),
            SpecActionName.LeaveJoint => _raft.LeaveJoint(s, i),
            SpecActionName.TakeSnapshot => QuorateRaftSpecification.TakeSnapshot(s, i, action.A),
            SpecActionName.InstallSnapshot => _raft.InstallSnapshot(s, i, s.Snapshots[action.A]),
            SpecActionName.ContinueTransfer => QuorateRaftSpecification.ContinueTransfer(s, i, action.A),
            SpecActionName.OnTimeoutNow => _raft.OnTimeoutNow(s, i, s.Messages[action.A]),
            _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
        };
    }

    public ulong Fingerprint(SpecificationState state, StateEncoder encoder)
    {
        var minimum = ulong.MaxValue;
        foreach (var permutation in _permutations)
        {
            encoder.Clear();
            Encode(state, permutation, encoder);
            minimum = Math.Min(minimum, encoder.Hash());
        }

        return minimum;
    }

    /// <summary>Encodes the state with each server i renamed to <c>permutation[i]</c>.</summary>
    private void Encode(SpecificationState s, int[] permutation, StateEncoder encoder)
    {
        for (var id = 0; id < permutation.Length; id++)
            Encode(s.Servers[Array.IndexOf(permutation, id)], permutation, encoder);
        foreach (var termLog in s.TermLogs)
        {
            encoder.Write(termLog.Leaders.Permuted(permutation).Bits);
            Encode(termLog.Log, permutation, encoder);
            encoder.Write(termLog.Commit);
            encoder.Write(termLog.Round);
        }

        EncodeSet(s.Messages, m => Pack(m, permutation), encoder);
        EncodeSet(s.Snapshots, static one => Pack(one.Term, one.Index), encoder);
        EncodeSet(s.Granted, static g => Pack(g.Index, g.Needed), encoder);
        encoder.Write(Pack(s.Spent.Commands, s.Spent.Restarts, s.Spent.Changes, s.Spent.Snapshots, s.Spent.Reads, s.Spent.Transfers));
    }

    private void Encode(SpecServer server, int[] permutation, StateEncoder encoder)
    {
        encoder.Write((int)server.Role);
        Encode(new SpecDiskImage(server.Term, server.Vote, server.Log), permutation, encoder);
        encoder.Write(server.Commit);
        encoder.Write(server.Snapshot);
        encoder.Write(server.Round);
        EncodeSet(server.Reads, static r => Pack(r.Round, r.Index, r.Needed), encoder);
        Encode(server.Disk, permutation, encoder);
        encoder.Write(server.Writes.Length);
        foreach (var write in server.Writes)
        {
            Encode(write.Image, permutation, encoder);
            EncodeSet(write.Messages, m => Pack(m, permutation), encoder);
        }
    }

    private static void Encode(SpecDiskImage image, int[] permutation, StateEncoder encoder)
    {
        encoder.Write(image.Term);
        encoder.Write(Map(image.Vote, permutation));
        Encode(image.Log, permutation, encoder);
    }

    private static void Encode(SpecLog log, int[] permutation, StateEncoder encoder)
    {
        encoder.Write(log.Length);
        for (var n = 1; n <= log.Length; n++)
        {
            var entry = log.At(n);
            encoder.Write(entry.Term);
            encoder.Write(entry.Voters.Permuted(permutation).Bits);
            encoder.Write(entry.Outgoing.Permuted(permutation).Bits);
        }
    }

    private void EncodeSet<T>(IReadOnlyCollection<T> set, Func<T, ulong> pack, StateEncoder encoder)
    {
        _words.Clear();
        foreach (var packed in set)
            _words.Add(pack(packed));
        _words.Sort();
        encoder.Write(_words.Count);
        foreach (var packed in _words)
            encoder.Write(packed);
    }

    private static ulong Pack(SpecMessage m, int[] permutation) =>
        Pack((int)m.Kind, Map(m.From, permutation), Map(m.To, permutation), m.Term, m.Number, m.LastTerm);

    /// <summary>Packs small numbers into one, a byte each.</summary>
    private static ulong Pack(params ReadOnlySpan<int> numbers)
    {
        var packed = 0UL;
        foreach (var number in numbers)
            packed = packed << 8 | checked((byte)number);
        return packed;
    }

    private static int Map(int server, int[] permutation) => server == SpecServer.None ? permutation.Length : permutation[server];

    private static IEnumerable<int[]> Permutations(SpecConstants constants) =>
        Permutations(Enumerable.Range(0, constants.Servers).ToArray(), 0, constants.SymmetricServers);

    private static IEnumerable<int[]> Permutations(int[] permutation, int from, ServerSet symmetric)
    {
        if (from == permutation.Length)
        {
            yield return [.. permutation];
            yield break;
        }

        for (var i = from; i < permutation.Length; i++)
        {
            if (i != from && !(symmetric.Contains(from) && symmetric.Contains(i)))
                continue;
            (permutation[from], permutation[i]) = (permutation[i], permutation[from]);
            foreach (var completed in Permutations(permutation, from + 1, symmetric))
                yield return completed;
            (permutation[from], permutation[i]) = (permutation[i], permutation[from]);
        }
    }
}
