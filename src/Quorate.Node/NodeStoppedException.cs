namespace Quorate.Node;

/// <summary>
/// The node is stopping or has stopped, so it cannot accept the request or has abandoned it. A proposal that ends with this exception was
/// never proposed. Send the request to another member.
/// </summary>
public sealed class NodeStoppedException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public NodeStoppedException()
        : base("The node has stopped. Send the request to another member.")
    {
    }

    /// <summary>Creates the exception.</summary>
    public NodeStoppedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with the failure that stopped the node, or null.</summary>
    public NodeStoppedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
