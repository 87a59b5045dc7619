namespace Quorate.Raft;

/// <summary>
/// A message from one node to another. The network may lose, duplicate, reorder and delay messages; every receiver tolerates that.
/// </summary>
/// <remarks>
/// Lifetime: a message in <see cref="Effects"/> belongs to the core and is valid until the next step; a driver encodes it before then. A
/// received message belongs to the caller, and the core keeps nothing of it but the payloads of entries.
/// </remarks>
public abstract class Message
{
    private protected Message()
    {
    }

    /// <summary>The sender.</summary>
    public NodeId From { get; set; }

    /// <summary>The receiver.</summary>
    public NodeId To { get; set; }

    /// <summary>The sender's term when the message was sent; for a pre-vote, the term in which it would campaign.</summary>
    public Term Term { get; set; }

    /// <summary>Releases views of memory that the message does not own, before the object is reused.</summary>
    internal virtual void Reset()
    {
    }
}
