using System.Collections.Immutable;
using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>How many voters may fail.</summary>
internal static class FailureTolerance
{
    /// <summary>
    /// Returns how many of the healthy voters may fail, whichever they are, before the others are no quorum; negative: they are none now.
    /// </summary>
    /// <remarks>
    /// A quorum takes a majority of each half, and the failing voters may all be in one half: so the smaller number of the two counts.
    /// <code>
    ///   voters 1 2 3 healthy 1 2 3, majority 2: one may fail     outgoing 3 4 5 healthy 3 4, majority 2: none may fail
    /// </code>
    /// </remarks>
    public static int Of(Configuration configuration, Func<NodeId, bool> isHealthy)
    {
        var tolerance = OfHalf(configuration.Voters, isHealthy);
        return configuration.IsJoint ? Math.Min(tolerance, OfHalf(configuration.Outgoing, isHealthy)) : tolerance;
    }

    private static int OfHalf(ImmutableArray<NodeId> voters, Func<NodeId, bool> isHealthy) =>
        voters.Count(isHealthy) - (voters.Length / 2 + 1);
}
