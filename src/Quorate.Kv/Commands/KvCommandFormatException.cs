namespace Quorate.Kv;

/// <summary>Bytes that are no command of a format this build knows. In a committed entry that is damage or a newer member's work, and the node stops.</summary>
public sealed class KvCommandFormatException : Exception
{
    /// <summary>Without a word of what is wrong.</summary>
    public KvCommandFormatException()
    {
    }

    /// <summary>With what is wrong.</summary>
    public KvCommandFormatException(string message)
        : base(message)
    {
    }

    /// <summary>With what is wrong and what lies behind it.</summary>
    public KvCommandFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
