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
}
