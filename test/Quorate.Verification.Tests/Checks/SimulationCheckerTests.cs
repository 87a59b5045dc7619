using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Tests.Checks;

/// <summary>
/// Each checker of the simulator rejects hand-made events that violate its property. Planted bugs violate the same properties in simulated
/// clusters.
/// </summary>
public sealed class SimulationCheckerTests
{
    private static readonly NodeId A = new(1);
    private static readonly NodeId B = new(2);
    private readonly StateChecker<string> _checker = new(string.Equals);

    public SimulationCheckerTests()
    {
        _checker.OnApplied(A, 1, Entry(1, 2), operation: 7, "seven", state: 100);
        _checker.OnApplied(A, 2, Entry(1, 3), operation: 8, "eight", state: 200);
        _checker.OnApplied(B, 1, Entry(1, 2), operation: 7, "seven", state: 100);
    }

    [Fact]
    public void The_state_checker_rejects_a_different_command_at_an_applied_index() =>
        AssertViolates("StateMachineSafety", () => _checker.OnApplied(B, 2, Entry(2, 3), operation: 9, "nine", state: 300));

    [Fact]
    public void The_state_checker_rejects_a_command_applied_after_a_gap() =>
        AssertViolates("StateMachineSafety", () => _checker.OnApplied(B, 2, Entry(1, 4), operation: 8, "eight", state: 200));

    [Fact]
    public void The_state_checker_rejects_a_command_with_a_different_effect() =>
        AssertViolates("EqualStates", () => _checker.OnApplied(B, 2, Entry(1, 3), operation: 8, "eight", state: 201));

    [Fact]
    public void The_state_checker_rejects_a_command_with_a_different_result() =>
        AssertViolates("EqualResults", () => _checker.OnApplied(B, 2, Entry(1, 3), operation: 8, "ate", state: 200));

    [Fact]
    public void The_state_checker_rejects_a_command_applied_twice() =>
        AssertViolates("OneOutcome", () => _checker.OnApplied(A, 3, Entry(1, 4), operation: 7, "seven", state: 300));

    [Fact]
    public void The_state_checker_rejects_applying_a_rejected_command()
    {
        _checker.OnRejected(9);
        AssertViolates("RejectedNeverHappens", () => _checker.OnApplied(A, 3, Entry(1, 4), operation: 9, "nine", state: 300));
    }

    [Fact]
    public void The_state_checker_rejects_a_rejection_after_apply() => AssertViolates("RejectedNeverHappens", () => _checker.OnRejected(8));

    [Fact]
    public void The_state_checker_rejects_acknowledging_an_unapplied_command()
    {
        AssertViolates("AcknowledgedIsApplied", () => _checker.OnAcknowledged(9, new LogIndex(4)));
        AssertViolates("AcknowledgedIsApplied", () => _checker.OnAcknowledged(8, new LogIndex(4)));
        Assert.Equal(Entry(1, 3), _checker.OnAcknowledged(8, new LogIndex(3)));
    }

    [Fact]
    public void The_leader_history_rejects_two_leaders_in_one_term()
    {
        var history = new LeaderHistory();
        history.OnElected(Core(A, term: 3, last: 2));
        AssertViolates("ElectionSafety", () => history.OnElected(Core(B, term: 3, last: 2)));
    }

    [Fact]
    public void The_leader_history_rejects_a_leader_lacking_an_acknowledged_entry()
    {
        var history = new LeaderHistory();
        history.OnAcknowledged(Entry(1, 3));
        AssertViolates("LeaderCompleteness", () => history.OnElected(Core(A, term: 3, last: 2)));
    }

    /// <summary>
    /// A leader elected in a past term may be observed only now: the paper allows it, and such a leader can commit nothing.
    /// </summary>
    [Fact]
    public void The_leader_history_accepts_a_leader_of_a_past_term()
    {
        var history = new LeaderHistory();
        history.OnElected(Core(A, term: 4, last: 3));
        history.OnAcknowledged(Entry(1, 3));
        history.OnElected(Core(B, term: 3, last: 2));
    }

    [Fact]
    public void The_log_checker_rejects_a_term_starting_at_a_different_index()
    {
        var logs = new LogChecker();
        logs.OnStarted(Core(A, term: 2, last: 4, Entry(1, 1), Entry(2, 3)));
        logs.OnStarted(Core(B, term: 2, last: 2, Entry(1, 1)));
        AssertViolates("LogMatching", () => logs.OnStarted(Core(B, term: 2, last: 4, Entry(1, 1), Entry(2, 4))));
    }

    [Fact]
    public void The_log_checker_rejects_a_different_entry_at_a_committed_index()
    {
        var logs = new LogChecker();
        logs.OnStarted(Core(A, term: 3, last: 4, Entry(1, 1), Entry(2, 3)));
        AssertViolates("StateMachineSafety", () => logs.OnStarted(Core(B, term: 3, last: 4, Entry(1, 1), Entry(3, 3))));
    }

    /// <summary>Of the entries in a snapshot, the last one is checked; the others are not in the log any more.</summary>
    [Fact]
    public void The_log_checker_checks_the_last_entry_of_a_snapshot()
    {
        var logs = new LogChecker();
        logs.OnStarted(Core(A, term: 3, last: 4, Entry(1, 1), Entry(2, 3)));
        var core = WithSnapshot(B, Entry(2, 3));
        logs.OnStarted(core);
        logs.OnCommitted(core, after: LogIndex.Zero);
        logs.OnAppended(core, new LogIndex(1));

        AssertViolates("StateMachineSafety", () => logs.OnCommitted(WithSnapshot(B, Entry(3, 3)), after: LogIndex.Zero));
    }

    private static RaftCore WithSnapshot(NodeId self, EntryId snapshot) => new(
        new RaftOptions { Self = self },
        new DurableState
        {
            Configuration = new Configuration([A, B]),
            HardState = new HardState(snapshot.Term, self),
            Snapshot = snapshot,
            Commit = snapshot.Index,
            Last = snapshot,
        });

    private static void AssertViolates(string property, Action action) =>
        Assert.StartsWith(property + ":", Assert.Throws<ViolationException>(action).Message, StringComparison.Ordinal);

    private static EntryId Entry(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private static RaftCore Core(NodeId self, ulong term, ulong last) => Core(self, term, last, Entry(1, 1));

    private static RaftCore Core(NodeId self, ulong term, ulong last, params EntryId[] termStarts) => new(
        new RaftOptions { Self = self },
        new DurableState
        {
            Configuration = new Configuration([A, B]),
            HardState = new HardState(new Term(term), self),
            TermStarts = termStarts,
            Commit = new LogIndex(last),
            Last = new EntryId(termStarts[^1].Term, new LogIndex(last)),
        });
}
