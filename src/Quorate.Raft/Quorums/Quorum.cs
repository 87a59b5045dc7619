using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>A number each voter has reached: its match index, the last round it acknowledged, the tick of its last reply.</summary>
internal interface IVoterValues
{
    /// <summary>Returns the number this voter has reached; 0 when it has reached nothing.</summary>
    ulong Of(NodeId voter);
}

/// <summary>The state of an election.</summary>
internal enum VoteResult : byte
{
    /// <summary>The missing votes can decide it either way.</summary>
    Pending = 0,

    /// <summary>A quorum has granted its votes.</summary>
    Won = 1,

    /// <summary>A quorum can no longer be reached.</summary>
    Lost = 2,
}

/// <summary>Quorum arithmetic: a majority of the voters, and in a joint configuration a majority of each half.</summary>
/// <remarks>Source: thesis §4.3. Nothing here depends on the meaning of the numbers.</remarks>
internal static class Quorum
{
    /// <summary>The maximum number of voters of one half; elections and commits sort that many numbers on the stack.</summary>
    public const int VotersMax = 64;

    /// <summary>More than half of <paramref name="voters"/>.</summary>
    public static int Majority(int voters) => voters / 2 + 1;

    /// <summary>Returns the greatest number that a quorum has reached.</summary>
    public static ulong Reached<TValues>(Configuration configuration, in TValues values)
        where TValues : struct, IVoterValues
    {
        var reached = ReachedByHalf(configuration.Voters, values);
        return configuration.IsJoint ? Math.Min(reached, ReachedByHalf(configuration.Outgoing, values)) : reached;
    }

    /// <summary>Returns the state of an election from the granted and denied votes.</summary>
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

        // In ascending order the last Majority(n) numbers are reached by a majority; the smallest of those is the result.
        return reached[voters.Length - Majority(voters.Length)];
    }

    private static VoteResult TallyHalf(ImmutableArray<NodeId> voters, IReadOnlyDictionary<NodeId, bool> votes)
    {
        var granted = 0;
        var denied = 0;
        foreach (var voter in voters)
        {
            if (votes.TryGetValue(voter, out var vote))
                _ = vote ? granted++ : denied++;
        }

        var majority = Majority(voters.Length);
        if (granted >= majority)
            return VoteResult.Won;
        return voters.Length - denied < majority ? VoteResult.Lost : VoteResult.Pending;
    }
}
