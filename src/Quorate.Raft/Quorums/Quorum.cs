using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>A number each voter has reached: its match index, the last round it answered, the tick it was last heard.</summary>
internal interface IVoterValues
{
    /// <summary>What this voter has reached; 0 when it has reached nothing.</summary>
    ulong Of(NodeId voter);
}

/// <summary>How an election stands.</summary>
internal enum VoteResult : byte
{
    /// <summary>Votes that are still out can decide it either way.</summary>
    Pending = 0,

    /// <summary>A quorum has granted.</summary>
    Won = 1,

    /// <summary>A quorum can no longer be had.</summary>
    Lost = 2,
}

/// <summary>What a quorum agrees on: a majority of the voters, and in a joint configuration a majority of each half.</summary>
/// <remarks>Source: thesis §4.3. Nothing here knows what the numbers mean.</remarks>
internal static class Quorum
{
    /// <summary>The most voters one half may have; elections and commits sort that many numbers on the stack.</summary>
    public const int VotersMax = 64;

    /// <summary>More than half of <paramref name="voters"/>.</summary>
    public static int Majority(int voters) => voters / 2 + 1;

    /// <summary>The greatest number that a quorum has reached.</summary>
    public static ulong Reached<TValues>(Configuration configuration, in TValues values)
        where TValues : struct, IVoterValues
    {
        var reached = ReachedByHalf(configuration.Voters, values);
        return configuration.IsJoint ? Math.Min(reached, ReachedByHalf(configuration.Outgoing, values)) : reached;
    }

    /// <summary>How an election stands, given who granted and who refused.</summary>
    public static VoteResult Tally(Configuration configuration, IReadOnlyDictionary<NodeId, bool> votes)
    {
        var result = TallyHalf(configuration.Voters, votes);
        if (!configuration.IsJoint)
            return result;

        var outgoing = TallyHalf(configuration.Outgoing, votes);
        if (result == outgoing)
            return result;
        return result == VoteResult.Lost || outgoing == VoteResult.Lost ? VoteResult.Lost : VoteResult.Pending;
    }

    private static ulong ReachedByHalf<TValues>(ImmutableArray<NodeId> voters, in TValues values)
        where TValues : struct, IVoterValues
    {
        Invariant.That(voters.Length is > 0 and <= VotersMax);
        Span<ulong> reached = stackalloc ulong[voters.Length];
        for (var i = 0; i < voters.Length; i++)
            reached[i] = values.Of(voters[i]);
        reached.Sort();

        // In ascending order the last Majority(n) numbers are reached by a majority; the least of those is the answer.
        return reached[voters.Length - Majority(voters.Length)];
    }

    private static VoteResult TallyHalf(ImmutableArray<NodeId> voters, IReadOnlyDictionary<NodeId, bool> votes)
    {
        var granted = 0;
        var refused = 0;
        foreach (var voter in voters)
        {
            if (votes.TryGetValue(voter, out var vote))
                _ = vote ? granted++ : refused++;
        }

        var majority = Majority(voters.Length);
        if (granted >= majority)
            return VoteResult.Won;
        return voters.Length - refused < majority ? VoteResult.Lost : VoteResult.Pending;
    }
}
