using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>What clients have seen: whoever begins to read now must see at least that.</summary>
/// <remarks>
/// Writes are ordered by the log, so the index is a witness for linearizability: an operation that begins after another has ended must take effect
/// behind it. Revision and count are the same, said by the state machine itself.
/// </remarks>
internal sealed class ReadWitness
{
    public Sight Seen { get; private set; }

    /// <summary>A client was told of this.</summary>
    public void Saw(Sight sight) => Seen = new Sight(
        LogIndex.Max(Seen.Index, sight.Index), Math.Max(Seen.Revision, sight.Revision), Math.Max(Seen.Appended, sight.Appended));

    /// <summary>What an operation shows must not lie before what had been seen when it began.</summary>
    public static void MustShow(string operation, Sight began, Sight shows)
    {
        if (shows.Index < began.Index || shows.Revision < began.Revision || shows.Appended < began.Appended)
            throw new ViolationException("NoStaleRead", $"{operation} shows {shows} and began when {began} had been seen");
    }
}

/// <summary>How far somebody has seen: the log's index, the store's revision, the length of the list.</summary>
internal readonly record struct Sight(LogIndex Index, long Revision, int Appended);
