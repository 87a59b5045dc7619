using System.Globalization;

namespace Quorate.Server.Hosting;

/// <summary>The operating system's limit on the number of files and sockets that this process can have open (RLIMIT_NOFILE).</summary>
internal static class OpenFileLimit
{
    private const string Row = "Max open files";

    /// <summary>Returns the limit of this process; null if there is none, or on a system other than Linux.</summary>
    /// <remarks>The .NET runtime has raised the soft limit to the hard limit before the program starts.</remarks>
    public static int? Read()
    {
        try
        {
            return OperatingSystem.IsLinux() ? Parse(File.ReadLines("/proc/self/limits")) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // /proc is not mounted.
        }
    }

    /// <summary>Returns the number of files and sockets that this process has open; 0 if that is not known.</summary>
    public static int CountOpen()
    {
        try
        {
            return OperatingSystem.IsLinux() ? Directory.EnumerateFileSystemEntries("/proc/self/fd").Count() : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Parses the rows of <c>/proc/PID/limits</c>: name, soft limit, hard limit, unit, separated by spaces.</summary>
    internal static int? Parse(IEnumerable<string> rows)
    {
        var row = rows.FirstOrDefault(static row => row.StartsWith(Row, StringComparison.Ordinal));
        var soft = row?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit <= int.MaxValue
            ? (int)limit
            : null;
    }
}
