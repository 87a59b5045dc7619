namespace Quorate.Node.Storage;

/// <summary>Waits while the process or the system has no free file descriptor.</summary>
/// <remarks>
/// The shortage passes: connections are closed and descriptors become free. A node that ended would have to restart for the sake of a file
/// that it can create a moment later; a node that waits is at worst as slow as with a slow disk, and a leader then steps down.
/// </remarks>
internal static class DescriptorShortage
{
    // errno, which .NET stores in HResult: the limit of the process, and that of the system. The numbers are those of Linux and macOS.
    private const int ProcessLimit = 24; // EMFILE
    private const int SystemLimit = 23; // ENFILE

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest wait. A shortage that lasts longer does not pass by itself; the operation then fails.</summary>
    public static TimeSpan WaitMax { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether an error says that there was no free file descriptor.</summary>
    public static bool Is(Exception error) =>
        !OperatingSystem.IsWindows() && error is IOException { HResult: ProcessLimit or SystemLimit };

    /// <summary>Opens a file; waits and repeats while there is no free descriptor.</summary>
    /// <exception cref="IOException">
    /// The file cannot be opened for another reason, or there was no free descriptor for <paramref name="waitMax"/>.
    /// </exception>
    public static T WaitOut<T>(Func<T> open, TimeSpan waitMax)
    {
        var started = Environment.TickCount64;
        while (true)
        {
            try
            {
                return open();
            }
            catch (IOException e) when (Is(e) && Environment.TickCount64 - started < (long)waitMax.TotalMilliseconds)
            {
                Thread.Sleep(RetryInterval);
            }
        }
    }
}
