namespace Quorate.Kv;

/// <summary>
/// Thrown when bytes are not a command in a format this build knows. <see cref="KvStore.Apply"/> does not throw it: a committed entry that
/// is no command has no effect.
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
