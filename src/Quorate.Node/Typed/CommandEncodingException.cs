namespace Quorate.Node.Typed;

/// <summary>
/// A command cannot be encoded, or its encoding cannot be decoded again. It was not proposed and never will be. The inner exception is
/// that of the codec.
/// </summary>
public sealed class CommandEncodingException : Exception
{
    /// <summary>Creates the exception with the exception of the codec.</summary>
    public CommandEncodingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception.</summary>
    public CommandEncodingException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public CommandEncodingException()
    {
    }
}
