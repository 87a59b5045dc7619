namespace Quorate.Node;

/// <summary>
/// The state machine threw an exception. The node has stopped, because its state may differ from that of the other members.
/// </summary>
public sealed class StateMachineException : Exception
{
    /// <summary>Creates the exception.</summary>
    public StateMachineException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception.</summary>
    public StateMachineException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public StateMachineException()
    {
    }
}
