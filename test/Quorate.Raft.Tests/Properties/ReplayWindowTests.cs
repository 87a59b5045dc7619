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
