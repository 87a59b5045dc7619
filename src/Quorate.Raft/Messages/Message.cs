namespace Quorate.Raft;

/// <summary>What one node says to another. Delivery may fail, repeat, reorder and take any time: every receiver expects that.</summary>
/// <remarks>
/// Lifetime: a message handed out in <see cref="Effects"/> belongs to the core and is good until the next step; a driver encodes it
/// before then. A message handed in belongs to the caller, and the core keeps nothing of it but entries' payloads.
/// </remarks>
public abstract class Message
{
    private protected Message()
    {
    }

    /// <summary>Who says it.</summary>
    public NodeId From { get; set; }

    /// <summary>Who is to hear it.</summary>
    public NodeId To { get; set; }

    /// <summary>The sender's term when it was said; for a pre-vote, the term it would campaign in.</summary>
    public Term Term { get; set; }

    /// <summary>Lets go of what it shows of others' memory; the object will be used again.</summary>
    internal virtual void Reset()
    {
    }
}
