namespace Quorate.Node.Backups;

/// <summary>A backup file is not as it was written.</summary>
/// <remarks>Nothing of a backup is used before all of it is verified. The message names the file, the offset, and what to do.</remarks>
public sealed class BackupCorruptionException : IOException
{
    internal BackupCorruptionException(string file, long offset, string what, Exception? cause = null)
        : base($"Corruption in {file} at byte {offset}: {what}. " +
               "Nothing of this file was used. Use another copy of it or an older backup; " +
               "if the cluster still runs, save a new backup.", cause)
    {
        File = file;
        Offset = offset;
    }

    /// <summary>Creates the exception.</summary>
    public BackupCorruptionException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public BackupCorruptionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public BackupCorruptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The path of the file.</summary>
    public string File { get; } = "";

    /// <summary>The offset of the part that fails verification, bytes.</summary>
    public long Offset { get; }
}
