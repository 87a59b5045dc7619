namespace Quorate.Node.Wal;

/// <summary>What lies on the disk is not what was written there, and no crash explains it.</summary>
/// <remarks>
/// The log gives out nothing it cannot vouch for: a member that came back without entries it had acknowledged could help to elect a leader
/// that lacks them too. The message names the file, the place, the entries concerned, and what can be done.
/// </remarks>
public sealed class WalCorruptionException : IOException
{
    internal WalCorruptionException(string file, long offset, string entries, string what, string why, Exception? cause = null)
        : base($"Damage in {file} at byte {offset} ({entries}): {what}. {why} " +
               "Keep a copy of the folder, look for the cause (disk, controller, memory), then replace this member: remove it from the cluster, " +
               "empty its data folder, and add it again as a new member, so that it receives everything from the others.", cause)
    {
        File = file;
        Offset = offset;
    }

    /// <summary>Makes the exception.</summary>
    public WalCorruptionException()
    {
    }

    /// <summary>Makes the exception.</summary>
    public WalCorruptionException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    public WalCorruptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The damaged file's name in the data folder.</summary>
    public string File { get; } = "";

    /// <summary>Where in the file the damage begins, bytes.</summary>
    public long Offset { get; }
}
