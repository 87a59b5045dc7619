using System.Collections.Immutable;

namespace Quorate.Verification.Specification;

/// <summary>The kinds of <see cref="SpecMessage"/>.</summary>
internal enum SpecMessageKind : byte
{
    RequestVote = 1,
    RequestPreVote = 2,
    Vote = 3,
    PreVote = 4,
    Ack = 5,
    Echo = 6,
    TimeoutNow = 7,
}

/// <summary>A message that was sent, and may be received at any later time.</summary>
/// <remarks>
/// <see cref="Number"/> is, by kind: the last index of a log, for vote requests with its term in <see cref="LastTerm"/>; the acknowledged
/// index; or the round of the reply.
/// </remarks>
internal readonly record struct SpecMessage(SpecMessageKind Kind, int From, int To, int Term, int Number, int LastTerm)
{
    public static SpecMessage RequestVote(int from, int term, SpecLog log) =>
        new(SpecMessageKind.RequestVote, from, SpecServer.None, term, log.Length, log.Last.Term);

    public static SpecMessage RequestPreVote(int from, int term, SpecLog log) =>
        new(SpecMessageKind.RequestPreVote, from, SpecServer.None, term, log.Length, log.Last.Term);

    public static SpecMessage Vote(int from, int to, int term) => new(SpecMessageKind.Vote, from, to, term, 0, 0);

    public static SpecMessage PreVote(int from, int to, int term) => new(SpecMessageKind.PreVote, from, to, term, 0, 0);

    public static SpecMessage Ack(int from, int term, int index) => new(SpecMessageKind.Ack, from, SpecServer.None, term, index, 0);

    public static SpecMessage Echo(int from, int term, int round) => new(SpecMessageKind.Echo, from, SpecServer.None, term, round, 0);

    public static SpecMessage TimeoutNow(int from, int to, int term, int index) =>
        new(SpecMessageKind.TimeoutNow, from, to, term, index, 0);

    /// <summary>Whether its term is one that no server need have entered.</summary>
    public bool IsPreVote => Kind is SpecMessageKind.RequestPreVote or SpecMessageKind.PreVote;

    /// <summary>
    /// Whether another message implies this one: an acknowledgement of n entries is also one of any fewer, and a reply to a round also one
    /// to every earlier round.
    /// </summary>
    public bool IsImpliedBy(SpecMessage other) =>
        this == other
        || (Kind is SpecMessageKind.Ack or SpecMessageKind.Echo && this with { Number = other.Number } == other && Number < other.Number);

    /// <summary>Adds messages to those that were sent. Messages that another message implies are not kept.</summary>
    public static ImmutableArray<SpecMessage> Add(ImmutableArray<SpecMessage> messages, ReadOnlySpan<SpecMessage> added)
    {
        foreach (var message in added)
        {
            if (!messages.Any(message.IsImpliedBy))
                messages = messages.RemoveAll(old => old.IsImpliedBy(message)).Add(message);
        }

        return messages;
    }

    public override string ToString() => Kind switch
    {
        SpecMessageKind.RequestVote or SpecMessageKind.RequestPreVote => $"{Kind}({From + 1}, term {Term}, last {LastTerm}/{Number})",
        SpecMessageKind.Vote or SpecMessageKind.PreVote => $"{Kind}({From + 1} for {To + 1}, term {Term})",
        SpecMessageKind.TimeoutNow => $"{Kind}({From + 1} to {To + 1}, term {Term}, last {Number})",
        _ => $"{Kind}({From + 1}, term {Term}, {Number})",
    };
}
