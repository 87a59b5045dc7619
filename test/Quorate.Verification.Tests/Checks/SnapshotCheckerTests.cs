using System.Text;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Tests.Checks;

/// <summary>
/// A member that restores a snapshot is checked although it did not apply the commands: its state is the one in which the snapshot was
/// captured, and the checks of later commands continue.
/// </summary>
public sealed class SnapshotCheckerTests
{
    private static readonly NodeId A = new(1);
    private static readonly NodeId B = new(2);

    private readonly StateChecker<int> _stateChecker = new(static (a, b) => a == b);
    private readonly SnapshotChecker<Sum, int> _checker;

    public SnapshotCheckerTests() => _checker = new SnapshotChecker<Sum, int>(
        new SimulationChecks<Sum, int> { State = static sum => sum.Total, FinalState = static sum => sum.Hidden }, _stateChecker);

    [Fact]
    public void A_member_that_jumps_continues_with_the_number_of_commands_in_the_snapshot()
    {
        var bytes = Captured(out _);
        var restored = new Sum();

        var count = _checker.Restore(B, restored, Entry(3), new MemoryStream(bytes));

        Assert.Equal((2, 12), (count, restored.Total));
        _stateChecker.OnApplied(A, 3, Entry(4), operation: 9, result: 20, state: 20);
        Assert.False(_stateChecker.OnApplied(B, count + 1, Entry(4), operation: 9, result: 20, state: 20));
        AssertViolates("EqualResults", () => _stateChecker.OnApplied(B, count + 1, Entry(4), operation: 9, result: 21, state: 20));
    }

    [Fact]
    public void Another_state_than_after_the_same_command_is_a_violation() =>
        AssertViolates("EqualStates", () => Restore(new Sum { AddedByRestore = 1 }, Captured(out _)));

    [Fact]
    public void Another_state_than_at_the_capture_is_a_violation_even_if_no_command_shows_it() =>
        AssertViolates("EqualStates", () => Restore(new Sum { HiddenAddedByRestore = 1 }, Captured(out _)));

    [Fact]
    public void Two_members_that_capture_at_the_same_entry_must_be_in_the_same_state()
    {
        Captured(out _);
        AssertViolates("EqualStates", () => _checker.Capture(B, new Sum { HiddenAddedByRestore = 1 }, count: 2, new LogIndex(3)));
    }

    [Fact]
    public void A_snapshot_that_is_restored_at_another_entry_is_a_violation()
    {
        var bytes = Captured(out _);
        AssertViolates("StateMachineSafety", () => _checker.Restore(B, new Sum(), Entry(4), new MemoryStream(bytes)));
    }

    [Fact]
    public void A_snapshot_with_a_command_that_no_member_applied_is_a_violation() =>
        AssertViolates("StateMachineSafety", () => _stateChecker.OnRestored(B, count: 1, Entry(2), state: 5));

    [Fact]
    public void A_snapshot_that_lacks_a_command_before_its_entry_is_a_violation()
    {
        Captured(out _);
        AssertViolates("StateMachineSafety", () => _stateChecker.OnRestored(B, count: 1, Entry(3), state: 5));
        AssertViolates("StateMachineSafety", () => _stateChecker.OnRestored(B, count: 2, Entry(2), state: 12));
        _stateChecker.OnRestored(B, count: 1, Entry(2), state: 5);
    }

    [Fact]
    public void A_state_machine_without_snapshots_takes_none()
    {
        var checker = new SnapshotChecker<WithoutSnapshots, int>(new SimulationChecks<WithoutSnapshots, int>(), _stateChecker);
        Assert.Null(checker.Capture(A, new WithoutSnapshots(), count: 0, LogIndex.Zero));
    }

    [Fact]
    public void The_invariant_is_checked_after_a_restore()
    {
        var bytes = Captured(out _);
        var checker = new SnapshotChecker<Sum, int>(
            new SimulationChecks<Sum, int> { Invariant = static sum => Assert.NotEqual(12, sum.Total) }, _stateChecker);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => checker.Restore(B, new Sum(), Entry(3), new MemoryStream(bytes)));
    }

    /// <summary>The list, the digest over all states, and everything in the store.</summary>
    [Fact]
    public void The_simulated_store_continues_from_a_snapshot_as_it_was()
    {
        var random = new Random(1);
        var original = new StoreStateMachine();
        ulong index = 0;
        for (var i = 0; i < 400; i++)
            Apply(original, ++index, Command(random));
        original.BatchApplied(new LogIndex(index));
        var restored = new StoreStateMachine();
        var bytes = new MemoryStream();
        using (var snapshot = original.CaptureSnapshot())
            snapshot.WriteTo(bytes);
        bytes.Position = 0;

        restored.RestoreSnapshot(Entry(index), bytes);

        Assert.Equal(original.WholeStateDigest, restored.WholeStateDigest);
        Assert.Equal((original.List, original.StateHistoryDigest), (restored.List, restored.StateHistoryDigest));
        for (var i = 0; i < 400; i++)
        {
            var command = Command(random);
            Assert.Equal(Apply(original, ++index, command).Digest, Apply(restored, index, command).Digest);
            Assert.Equal(original.StateHistoryDigest, restored.StateHistoryDigest);
        }

        Assert.Equal(original.WholeStateDigest, restored.WholeStateDigest);
        Assert.True(original.List.Length > 10);
    }

    /// <summary>What no read shows, and what a wrong restore could lose.</summary>
    [Fact]
    public void The_digest_of_a_whole_store_covers_the_progress_of_a_compaction_and_deleted_keys()
    {
        // Nothing to remove, so only the progress differs: the compaction sweeps four versions, and the command behind it the rest.
        KvRequest[] compacted = [Put("a"), Put("b"), Put("c"), Put("d"), Put("e"), Put("f"), new CompactRequest(7)];
        Assert.NotEqual(WholeDigest(compacted), WholeDigest([.. compacted, new LeaseRevokeRequest(1)]));
        Assert.NotEqual(WholeDigest(Put("b"), Delete("b")), WholeDigest(Put("c"), Delete("c")));
    }

    private static ulong WholeDigest(params KvRequest[] requests)
    {
        var machine = new StoreStateMachine();
        ulong index = 0;
        foreach (var request in requests)
            Apply(machine, ++index, StoreStateMachine.EncodeKv(request));
        return machine.WholeStateDigest;
    }

    private static StoreResult Apply(StoreStateMachine machine, ulong index, byte[] command) =>
        machine.Apply(new CommittedCommand(Entry(index), command));

    private static byte[] Command(Random random) => random.Next(12) switch
    {
        0 => StoreStateMachine.EncodeAppend((ulong)random.Next(), payloadBytes: 3),
        1 => StoreStateMachine.EncodeKv(new CompactRequest(random.Next(200))),
        2 => StoreStateMachine.EncodeKv(Delete($"{random.Next(9)}")),
        3 => StoreStateMachine.EncodeKv(new LeaseGrantRequest(random.Next(1, 4), 10)),
        4 => StoreStateMachine.EncodeKv(new LeaseRevokeRequest(random.Next(1, 4))),
        _ => StoreStateMachine.EncodeKv(Put($"{random.Next(9)}") with { Lease = random.Next(4) }),
    };

    private static PutRequest Put(string key) => new(Encoding.ASCII.GetBytes(key), new byte[8]);

    private static DeleteRangeRequest Delete(string key) => new(KeyInterval.Single(Encoding.ASCII.GetBytes(key)));

    private static EntryId Entry(ulong index) => new(new Term(1), new LogIndex(index));

    private static void AssertViolates(string property, Action action) =>
        Assert.Equal(property, Assert.Throws<ViolationException>(action).Property);

    private void Restore(Sum sum, byte[] bytes) => _checker.Restore(B, sum, Entry(3), new MemoryStream(bytes));

    /// <summary>Member A applies two commands, at entries 2 and 3, and captures a snapshot.</summary>
    private byte[] Captured(out Sum sum)
    {
        sum = new Sum();
        Assert.Equal(5, sum.Apply(new CommittedCommand(Entry(2), new byte[] { 5 })));
        _stateChecker.OnApplied(A, 1, Entry(2), operation: 7, result: 5, state: 5);
        Assert.Equal(12, sum.Apply(new CommittedCommand(Entry(3), new byte[] { 7 })));
        _stateChecker.OnApplied(A, 2, Entry(3), operation: 8, result: 12, state: 12);
        using var snapshot = _checker.Capture(A, sum, count: 2, new LogIndex(3))!;
        var bytes = new MemoryStream();
        snapshot.WriteTo(bytes);
        return bytes.ToArray();
    }

    private sealed class WithoutSnapshots : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command) => 0;
    }

    /// <summary>Adds the bytes of its commands; a test lets it restore a wrong state.</summary>
    private sealed class Sum : IStateMachine<int>
    {
        public int Total { get; private set; }

        public int Hidden { get; private set; }

        public int AddedByRestore { get; init; }

        public int HiddenAddedByRestore { get; init; }

        public int Apply(in CommittedCommand command) => Total += command.Command.Span[0];

        public IStateMachineSnapshot CaptureSnapshot()
        {
            Hidden += HiddenAddedByRestore;
            return new Snapshot(Total);
        }

        public void RestoreSnapshot(EntryId last, Stream source)
        {
            Total = source.ReadByte() + AddedByRestore;
            Hidden = HiddenAddedByRestore;
        }

        private sealed class Snapshot(int total) : IStateMachineSnapshot
        {
            public void WriteTo(Stream destination) => destination.WriteByte((byte)total);

            public void Dispose()
            {
            }
        }
    }
}
