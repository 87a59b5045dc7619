namespace Quorate.Raft;

/// <summary>
/// Thrown by <see cref="IStateMachineSnapshot.WriteTo"/> when the state in memory is not what the commands have made of it.
/// </summary>
public sealed class StateCorruptionException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public StateCorruptionException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public StateCorruptionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and a cause.</summary>
    public StateCorruptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
