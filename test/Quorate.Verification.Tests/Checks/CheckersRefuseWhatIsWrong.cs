using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Tests.Checks;

/// <summary>Each promise, broken by hand. docs/testing.md lists what they found when whole clusters broke them.</summary>
public sealed class CheckersRefuseWhatIsWrong
{
    private static readonly NodeId A = new(1);
    private static readonly NodeId B = new(2);
    private readonly StateChecker<string> _ledger = new(string.Equals);

    public CheckersRefuseWhatIsWrong()
    {
        _ledger.OnApplied(A, 1, Entry(1, 2), operation: 7, "seven", state: 100);
        _ledger.OnApplied(A, 2, Entry(1, 3), operation: 8, "eight", state: 200);
        _ledger.OnApplied(B, 1, Entry(1, 2), operation: 7, "seven", state: 100);
    }

    [Fact]
    public void Another_command_in_the_same_place() => Refused("StateMachineSafety", () => _ledger.OnApplied(B, 2, Entry(2, 3), operation: 9, "nine", state: 300));

    [Fact]
    public void The_same_command_after_one_that_was_skipped() => Refused("StateMachineSafety", () => _ledger.OnApplied(B, 2, Entry(1, 4), operation: 8, "eight", state: 200));

    [Fact]
    public void The_same_command_with_another_effect() => Refused("EqualStates", () => _ledger.OnApplied(B, 2, Entry(1, 3), operation: 8, "eight", state: 201));

    [Fact]
    public void The_same_command_with_another_answer() => Refused("EqualResults", () => _ledger.OnApplied(B, 2, Entry(1, 3), operation: 8, "ate", state: 200));

    [Fact]
    public void A_command_that_is_applied_twice() => Refused("OneOutcome", () => _ledger.OnApplied(A, 3, Entry(1, 4), operation: 7, "seven", state: 300));

    [Fact]
    public void A_rejected_command_that_happens()
    {
        _ledger.OnRejected(9);
        Refused("RejectedNeverHappens", () => _ledger.OnApplied(A, 3, Entry(1, 4), operation: 9, "nine", state: 300));
    }

    [Fact]
    public void A_command_that_happened_and_is_rejected() => Refused("RejectedNeverHappens", () => _ledger.OnRejected(8));

    [Fact]
    public void An_acknowledgement_of_what_is_not_applied()
    {
        Refused("AcknowledgedIsApplied", () => _ledger.OnAcknowledged(9, new LogIndex(4)));
        Refused("AcknowledgedIsApplied", () => _ledger.OnAcknowledged(8, new LogIndex(4)));
        Assert.Equal(Entry(1, 3), _ledger.OnAcknowledged(8, new LogIndex(3)));
    }

    [Fact]
    public void Two_leaders_of_one_term()
    {
        var reigns = new LeaderHistory();
        reigns.OnElected(Core(A, term: 3, last: 2));
        Refused("ElectionSafety", () => reigns.OnElected(Core(B, term: 3, last: 2)));
    }

    [Fact]
    public void A_leader_without_what_was_acknowledged()
    {
        var reigns = new LeaderHistory();
        reigns.OnAcknowledged(Entry(1, 3));
        Refused("LeaderCompleteness", () => reigns.OnElected(Core(A, term: 3, last: 2)));
    }

    /// <summary>Elected in a term that has passed, told only now: the paper allows it, and it can commit nothing.</summary>
    [Fact]
    public void A_leader_of_a_term_that_has_passed_is_let_be()
    {
        var reigns = new LeaderHistory();
        reigns.OnElected(Core(A, term: 4, last: 3));
        reigns.OnAcknowledged(Entry(1, 3));
        reigns.OnElected(Core(B, term: 3, last: 2));
    }

    [Fact]
    public void A_term_that_begins_elsewhere_than_in_another_log()
    {
        var logs = new LogChecker();
        logs.OnStarted(Core(A, term: 2, last: 4, Entry(1, 1), Entry(2, 3)));
        logs.OnStarted(Core(B, term: 2, last: 2, Entry(1, 1)));
        Refused("LogMatching", () => logs.OnStarted(Core(B, term: 2, last: 4, Entry(1, 1), Entry(2, 4))));
    }

    [Fact]
    public void Another_entry_in_the_place_of_one_that_was_committed()
    {
        var logs = new LogChecker();
        logs.OnStarted(Core(A, term: 3, last: 4, Entry(1, 1), Entry(2, 3)));
        Refused("StateMachineSafety", () => logs.OnStarted(Core(B, term: 3, last: 4, Entry(1, 1), Entry(3, 3))));
    }

    private static void Refused(string promise, Action what) =>
        Assert.StartsWith(promise + ":", Assert.Throws<ViolationException>(what).Message, StringComparison.Ordinal);

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
