namespace Quorate.Server.Storage;

/// <summary>Opens the file of <c>--trace-file</c>. Each start appends a trace, so that a restart keeps the trace of a crash.</summary>
internal static class TraceFile
{
    /// <summary>
    /// Opens the file for appending, and creates it if it is missing. The stream has no buffer: each write goes to the operating system, so
    /// a killed process loses no line that it wrote.
    /// </summary>
    /// <exception cref="StartupException">The file cannot be opened.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
            try
            {
                SeekToNewLine(file);
                return file;
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StartupException.Failed(
                $"--trace-file {path} cannot be opened.", e.Message,
                "set --trace-file to a file that this user may write and no other process uses, or leave the flag out", e);
        }
    }

    /// <summary>Moves to the end. A full disk may have cut off the last line of an earlier trace; the new one begins below it.</summary>
    private static void SeekToNewLine(FileStream file)
    {
        if (!file.CanSeek || file.Length == 0)
            return;
        file.Seek(-1, SeekOrigin.End);
        if (file.ReadByte() != '\n')
            file.WriteByte((byte)'\n');
    }
}
