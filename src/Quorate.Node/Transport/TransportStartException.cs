namespace Quorate.Node.Transport;

/// <summary>The transport could not start; the message states what failed, why, and what to do.</summary>
public sealed class TransportStartException : IOException
{
    /// <summary>Creates the exception.</summary>
    public TransportStartException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
