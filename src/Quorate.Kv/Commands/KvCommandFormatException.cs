namespace Quorate.Kv;

/// <summary>
/// Thrown when bytes are not a command in a format this build knows. In a committed entry the cause is corruption or a newer member, and
/// the node stops.
/// </summary>
public sealed class KvCommandFormatException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public KvCommandFormatException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public KvCommandFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and a cause.</summary>
    public KvCommandFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
