namespace Quorate.Node.Wal;

/// <summary>The data on disk is not what was written there, and no crash explains the difference.</summary>
/// <remarks>
/// The log never returns data that it cannot verify: a member that came back without entries it had acknowledged could help to elect a
/// leader that lacks them too. The message names the file, the offset, the affected entries, and what to do.
/// </remarks>
public sealed class WalCorruptionException : IOException
{
    internal WalCorruptionException(
        string file, long offset, string entries, string what, string why, Exception? cause = null, string? remedy = null)
        : base($"Corruption in {file} at byte {offset} ({entries}): {what}. {why} " +
               $"{(remedy is null ? "Keep" : $"{remedy} If that is impossible, keep")} a copy of the data directory, " +
               "look for the cause (disk, controller, memory), then replace this member: " +
               "remove it from the cluster, empty its data directory, and add it again as a new member, " +
               "so that it receives everything from the others.", cause)
    {
        File = file;
        Offset = offset;
        What = what;
    }

    /// <summary>Creates the exception.</summary>
    public WalCorruptionException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public WalCorruptionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public WalCorruptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The name of the corrupt file in the data directory.</summary>
    public string File { get; } = "";

    /// <summary>Whether the corrupt file is a part of the log.</summary>
    internal bool IsInLog => Segment.TryParseName(File, out _);

    /// <summary>What is wrong, without the rest of the message.</summary>
    internal string What { get; } = "";

    /// <summary>The offset in the file at which the corruption begins, bytes.</summary>
    public long Offset { get; }
}
