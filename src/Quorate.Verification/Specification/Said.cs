using System.Collections.Immutable;

namespace Quorate.Verification.Specification;

/// <summary>The kinds of <see cref="Said"/>.</summary>
internal enum SaidKind : byte
{
    RequestVote = 1,
    RequestPreVote = 2,
    Vote = 3,
    PreVote = 4,
    Ack = 5,
    Echo = 6,
}

/// <summary>Something that was said, and may be heard at any later time.</summary>
/// <remarks>The number is the last index of a log, with the last term beside it; or the index that is acknowledged; or the round that is answered.</remarks>
internal readonly record struct Said(SaidKind Kind, int From, int To, int Term, int Number, int LastTerm)
{
    public static Said RequestVote(int from, int term, Log log) => new(SaidKind.RequestVote, from, Server.Nobody, term, log.Length, log.Last.Term);

    public static Said RequestPreVote(int from, int term, Log log) => new(SaidKind.RequestPreVote, from, Server.Nobody, term, log.Length, log.Last.Term);

    public static Said Vote(int from, int to, int term) => new(SaidKind.Vote, from, to, term, 0, 0);

    public static Said PreVote(int from, int to, int term) => new(SaidKind.PreVote, from, to, term, 0, 0);

    public static Said Ack(int from, int term, int index) => new(SaidKind.Ack, from, Server.Nobody, term, index, 0);

    public static Said Echo(int from, int term, int round) => new(SaidKind.Echo, from, Server.Nobody, term, round, 0);

    /// <summary>Whether it speaks of a term that nobody need be in yet.</summary>
    public bool IsPreVote => Kind is SaidKind.RequestPreVote or SaidKind.PreVote;

    /// <summary>Holding n entries is holding any less, and answering a round is answering those before it.</summary>
    public bool IsSaidBy(Said other) =>
        this == other || (Kind is SaidKind.Ack or SaidKind.Echo && this with { Number = other.Number } == other && Number < other.Number);

    /// <summary>All that was said, and this too; of what another says as well, only the other is kept.</summary>
    public static ImmutableArray<Said> Heard(ImmutableArray<Said> messages, ReadOnlySpan<Said> said)
    {
        foreach (var one in said)
        {
            if (!messages.Any(one.IsSaidBy))
                messages = messages.RemoveAll(old => old.IsSaidBy(one)).Add(one);
        }

        return messages;
    }

    public override string ToString() => Kind switch
    {
        SaidKind.RequestVote or SaidKind.RequestPreVote => $"{Kind}({From + 1}, term {Term}, last {LastTerm}/{Number})",
        SaidKind.Vote or SaidKind.PreVote => $"{Kind}({From + 1} for {To + 1}, term {Term})",
        _ => $"{Kind}({From + 1}, term {Term}, {Number})",
    };
}
