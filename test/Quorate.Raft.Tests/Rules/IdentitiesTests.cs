namespace Quorate.Raft.Tests.Rules;

/// <summary>Identities and positions are ordered by their number, and entries by term first (paper §5.4.1).</summary>
public sealed class IdentitiesTests
{
    private static readonly ulong[] Numbers = [0, 1, 2, ulong.MaxValue];

    [Fact]
    public void Comparisons_agree_with_those_of_the_numbers()
    {
        foreach (var a in Numbers)
        {
            foreach (var b in Numbers)
            {
                var expected = a.CompareTo(b);
                Assert.Equal(expected, new NodeId(a).CompareTo(new NodeId(b)));
                Assert.Equal(expected, new GroupId(a).CompareTo(new GroupId(b)));
                Assert.Equal(expected, new Term(a).CompareTo(new Term(b)));
                Assert.Equal(expected, new LogIndex(a).CompareTo(new LogIndex(b)));
                var (x, y) = (new Term(a), new Term(b));
                Assert.Equal((a < b, a <= b, a > b, a >= b), (x < y, x <= y, x > y, x >= y));
                var (i, j) = (new LogIndex(a), new LogIndex(b));
                Assert.Equal((a < b, a <= b, a > b, a >= b), (i < j, i <= j, i > j, i >= j));
                Assert.Equal((Math.Min(a, b), Math.Max(a, b)), (LogIndex.Min(i, j).Value, LogIndex.Max(i, j).Value));
            }
        }
    }

    [Theory]
    [InlineData(2, 1, 1, 9, true)]
    [InlineData(1, 9, 2, 1, false)]
    [InlineData(2, 5, 2, 5, true)]
    [InlineData(2, 6, 2, 5, true)]
    [InlineData(2, 4, 2, 5, false)]
    public void A_later_last_term_is_more_up_to_date_and_within_a_term_the_longer_log(
        ulong term, ulong index, ulong otherTerm, ulong otherIndex, bool expected) =>
        Assert.Equal(expected, Given.Id((term, index)).IsAtLeastAsUpToDateAs(Given.Id((otherTerm, otherIndex))));

    [Fact]
    public void An_index_does_not_pass_zero()
    {
        Assert.Equal(Given.At(7), Given.At(5) + 2);
        Assert.Equal(Given.At(3), Given.At(5) - 2);
        Assert.Equal(-2L, Given.At(3) - Given.At(5));
        Assert.Throws<OverflowException>(() => Given.At(1) - 2);
        Assert.Throws<OverflowException>(() => Given.At(ulong.MaxValue) + 1);
    }
}
