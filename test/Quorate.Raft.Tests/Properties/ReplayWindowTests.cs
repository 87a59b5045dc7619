using CsCheck;

namespace Quorate.Raft.Tests.Properties;

/// <summary><see cref="ReplayWindow"/> against a set of all sequences ever recorded.</summary>
public sealed class ReplayWindowTests
{
    /// <summary>
    /// Sequences of three sessions, one of which wraps around; each sequence is a step forward or back from the previous one.
    /// </summary>
    [Fact]
    public void A_sequence_within_the_window_is_new_exactly_once() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[-300, 400], Gen.Bool).Array[1, 400].Sample(steps =>
        {
            var window = new ReplayWindow();
            var model = new HashSet<ulong>();
            ulong[] sessions = [1UL << 60, 1UL << 40, ulong.MaxValue - 20];
            var newest = (ulong[])[.. sessions];
            foreach (var (session, step, far) in steps)
            {
                var sequence = sessions[session] += (ulong)(long)(far ? step * 100 : step);
                newest[session] = (long)(sequence - newest[session]) > 0 || !model.Contains(newest[session]) ? sequence : newest[session];
                var expected = newest[session] - sequence < ReplayWindow.Size && !model.Contains(sequence);
                model.Add(sequence);
                Assert.Equal(expected, window.TryRecord(sequence));
            }
        });

    /// <summary>
    /// The newest sequence jumps by the sizes at which a bit is used again: one less than the window, the window, one more, and several
    /// windows; other sequences are up to three windows older. Some are rejected. Only a duplicate of a rejected sequence may be rejected
    /// again: a rejection of another would name a proposal that is in the log.
    /// </summary>
    [Fact]
    public void Only_rejected_sequences_within_the_window_are_known_as_rejected() =>
        Gen.Select(Jumps, Gen.Int[0, 2 * ReplayWindow.Size], Gen.Bool).Array[1, 100].Sample(steps =>
        {
            var window = new ReplayWindow();
            var newest = 1UL << 40;
            var model = new Dictionary<ulong, bool> { [newest] = false };
            Assert.True(window.TryRecord(newest));
            foreach (var (jump, back, isRejected) in steps)
            {
                // A step to a new sequence, or the same distance back from the newest: then it is often a duplicate, or too old.
                var sequence = jump > 0 ? newest + (ulong)jump : newest - (ulong)(back % (1 - jump));
                newest = Math.Max(newest, sequence);
                var isNew = newest - sequence < ReplayWindow.Size && !model.ContainsKey(sequence);
                Assert.Equal(isNew, window.TryRecord(sequence));
                if (isNew)
                {
                    model.Add(sequence, isRejected);
                    if (isRejected)
                        window.RecordRejection(sequence);
                }

                foreach (var (recorded, wasRejected) in model)
                    Assert.Equal(wasRejected && newest - recorded < ReplayWindow.Size, window.WasRejected(recorded));
                AssertSlotsAreCleared(window, model, newest);
            }
        });

    /// <summary>Steps of the newest sequence; 0 and below: a sequence at most that far back.</summary>
    private static readonly Gen<int> Jumps = Gen.Frequency(
        (4, Gen.Int[1, 130]),
        (4, Gen.Int[-3 * ReplayWindow.Size, 0]),
        (3, Gen.Select(Gen.Int[1, 3], Gen.Int[-1, 1], (windows, more) => (windows * ReplayWindow.Size) + more)),
        (2, Gen.Int[1, 3 * ReplayWindow.Size]));

    /// <summary>
    /// The sequences that share a slot with a recorded one, a window before or after it, were not recorded: they are not known as rejected,
    /// and a clone records those in the window as new.
    /// </summary>
    private static void AssertSlotsAreCleared(ReplayWindow window, Dictionary<ulong, bool> model, ulong newest)
    {
        var clone = window.Clone();
        foreach (var recorded in model.Keys)
        {
            var sharesSlot = newest - ((newest - recorded) % ReplayWindow.Size);
            if (model.ContainsKey(sharesSlot))
                continue;
            Assert.False(window.WasRejected(sharesSlot));
            Assert.True(clone.TryRecord(sharesSlot));
            Assert.False(clone.WasRejected(sharesSlot));
            clone = window.Clone();
        }
    }

    /// <summary>A member that restarts repeatedly within one leader term.</summary>
    [Fact]
    public void Only_the_latest_sessions_of_a_member_are_kept()
    {
        var window = new ReplayWindow();
        var sessions = Enumerable.Range(1, 1000).Select(static session => (ulong)session << 40).ToArray();
        foreach (var session in sessions)
            Assert.True(window.TryRecord(session) && window.TryRecord(session + 1));

        Assert.Equal(ReplayWindow.SessionsMax, window.SessionCount);
        foreach (var session in sessions[^ReplayWindow.SessionsMax..])
            Assert.False(window.TryRecord(session) || window.TryRecord(session + 1));
    }

    [Fact]
    public void A_rejection_is_remembered_while_it_is_in_the_window()
    {
        var window = new ReplayWindow();
        Assert.True(window.TryRecord(5) && window.TryRecord(6));
        window.RecordRejection(6);
        Assert.Equal((false, true), (window.WasRejected(5), window.WasRejected(6)));

        window.TryRecord(ReplayWindow.Size + 5);
        Assert.True(window.WasRejected(6));
        window.TryRecord(ReplayWindow.Size + 6);
        Assert.Equal((false, false), (window.WasRejected(6), window.WasRejected(ReplayWindow.Size + 6)));
    }
}
