using CsCheck;

namespace Quorate.Raft.Tests.Properties;

/// <summary><see cref="SeenSequences"/> against a set of all numbers ever noted.</summary>
public sealed class SeenSequencesAgreeWithASet
{
    /// <summary>Numbers of three lives, one of which wraps around; each a step from the one before, back or forth.</summary>
    [Fact]
    public void A_number_is_new_once_and_only_once_while_it_is_in_the_window() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[-300, 400], Gen.Bool).Array[1, 400].Sample(steps =>
        {
            var seen = new SeenSequences();
            var model = new HashSet<ulong>();
            ulong[] lives = [1UL << 60, 1UL << 40, ulong.MaxValue - 20];
            var newest = (ulong[])[.. lives];
            foreach (var (life, step, far) in steps)
            {
                var sequence = lives[life] += (ulong)(long)(far ? step * 100 : step);
                newest[life] = (long)(sequence - newest[life]) > 0 || !model.Contains(newest[life]) ? sequence : newest[life];
                var expected = newest[life] - sequence < SeenSequences.Window && !model.Contains(sequence);
                model.Add(sequence);
                Assert.Equal(expected, seen.TryNote(sequence));
            }
        });

    /// <summary>A member that starts again and again while one leader reigns.</summary>
    [Fact]
    public void Only_the_last_lives_of_a_member_are_kept_and_each_of_them_whole()
    {
        var seen = new SeenSequences();
        var lives = Enumerable.Range(1, 1000).Select(static life => (ulong)life << 40).ToArray();
        foreach (var life in lives)
            Assert.True(seen.TryNote(life) && seen.TryNote(life + 1));

        Assert.Equal(SeenSequences.LivesMax, seen.Lives);
        foreach (var life in lives[^SeenSequences.LivesMax..])
            Assert.False(seen.TryNote(life) || seen.TryNote(life + 1));
    }

    [Fact]
    public void What_was_refused_is_known_as_long_as_it_is_in_the_window()
    {
        var seen = new SeenSequences();
        Assert.True(seen.TryNote(5) && seen.TryNote(6));
        seen.NoteRefused(6);
        Assert.Equal((false, true), (seen.WasRefused(5), seen.WasRefused(6)));

        seen.TryNote(SeenSequences.Window + 5);
        Assert.True(seen.WasRefused(6));
        seen.TryNote(SeenSequences.Window + 6);
        Assert.Equal((false, false), (seen.WasRefused(6), seen.WasRefused(SeenSequences.Window + 6)));
    }
}
