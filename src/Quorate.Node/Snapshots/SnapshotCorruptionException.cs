namespace Quorate.Node.Snapshots;

/// <summary>A snapshot on disk, or as a peer sent it, is not what was written.</summary>
/// <remarks>
/// No byte of a snapshot is used before it is verified. A snapshot is a copy of what the other members hold too, so the loss of one is
/// not the loss of the data. The message names the file, the offset, and what to do.
/// </remarks>
public sealed class SnapshotCorruptionException : IOException
{
    internal SnapshotCorruptionException(string file, long offset, string what, string why, Exception? cause = null)
        : base($"Corruption in {file} at byte {offset}: {what}. {why} " +
               "Keep a copy of the file, and look for the cause (disk, controller, memory). " +
               "The other members hold the same state: this member must receive a snapshot from one of them.", cause)
    {
        File = file;
        Offset = offset;
        What = what;
    }

    /// <summary>Creates the exception.</summary>
    public SnapshotCorruptionException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public SnapshotCorruptionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public SnapshotCorruptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The name of the corrupt file in the data directory.</summary>
    public string File { get; } = "";

    /// <summary>What is wrong, without the rest of the message.</summary>
    internal string What { get; } = "";

    /// <summary>The offset in the file of the part that fails verification, bytes.</summary>
    public long Offset { get; }
}
