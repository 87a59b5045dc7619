namespace Quorate.Kv;

/// <summary>
/// Thrown by <see cref="KvStore.RestoreSnapshot"/> when bytes are not a complete snapshot of a store in a format this build reads. The
/// store is unchanged.
/// </summary>
public sealed class KvSnapshotFormatException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public KvSnapshotFormatException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public KvSnapshotFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and a cause.</summary>
    public KvSnapshotFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
