using System.Numerics;
using Quorate.Node.Health;
using Quorate.Raft;

namespace Quorate.Node.Tests.Health;

/// <summary>The stated failure tolerance is true, for every small configuration, every healthy set and every set that fails.</summary>
public sealed class FailureToleranceTests
{
    private const int MembersMax = 5;

    [Fact]
    public void Any_failures_within_the_tolerance_leave_a_quorum_and_some_that_exceed_it_do_not()
    {
        var checkedCases = 0;
        foreach (var (configuration, voters, outgoing) in Configurations())
        {
            for (var healthy = 0; healthy < 1 << MembersMax; healthy++)
            {
                var tolerance = FailureTolerance.Of(configuration, node => IsIn(healthy, node));
                if (!IsQuorum(healthy, voters, outgoing))
                {
                    Assert.True(tolerance < 0, $"{configuration} without a quorum");
                    continue;
                }

                // The fewest voters that have to fail, by trying every set of healthy members.
                var fatal = Subsets(healthy).Where(failed => !IsQuorum(healthy & ~failed, voters, outgoing))
                    .Min(static failed => BitOperations.PopCount((uint)failed));
                Assert.Equal(fatal - 1, tolerance);
                checkedCases++;
            }
        }

        Assert.True(checkedCases > 7_000, $"{checkedCases} cases");
    }

    [Fact]
    public void Learners_do_not_count()
    {
        var configuration = new Configuration([new(1), new(2), new(3)], learners: [new(4), new(5)]);

        Assert.Equal(-1, FailureTolerance.Of(configuration, static node => node.Value is 1 or 4 or 5));
        Assert.Equal(1, FailureTolerance.Of(configuration, static node => node.Value <= 3));
    }

    private static IEnumerable<(Configuration Configuration, int Voters, int Outgoing)> Configurations()
    {
        for (var voters = 1; voters < 1 << MembersMax; voters++)
        {
            for (var outgoing = 0; outgoing < 1 << MembersMax; outgoing++)
                yield return (new Configuration(Members(voters), Members(outgoing)), voters, outgoing);
        }
    }

    private static bool IsQuorum(int members, int voters, int outgoing) => IsMajority(members, voters) && IsMajority(members, outgoing);

    private static bool IsMajority(int members, int voters) =>
        voters == 0 || 2 * BitOperations.PopCount((uint)(members & voters)) > BitOperations.PopCount((uint)voters);

    private static IEnumerable<NodeId> Members(int set) =>
        Enumerable.Range(1, MembersMax).Select(static id => new NodeId((ulong)id)).Where(node => IsIn(set, node));

    private static bool IsIn(int set, NodeId node) => (set & (1 << ((int)node.Value - 1))) != 0;

    private static IEnumerable<int> Subsets(int set)
    {
        for (var subset = set; ; subset = (subset - 1) & set)
        {
            yield return subset;
            if (subset == 0)
                yield break;
        }
    }
}
