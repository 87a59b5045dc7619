using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Storage;

/// <summary>Advises Linux which pages of a file it need not keep in the page cache. Does nothing on other systems.</summary>
/// <remarks>
/// A log is written and hardly ever read. Without this advice its pages would fill the memory of the computer, and the kernel would have to
/// find each new page first. That costs a fifth of the processor time of a write on a virtual machine whose memory the host provides on
/// demand (bench/results/wal.md).
/// </remarks>
internal static unsafe class PageCacheAdvice
{
    // From fcntl.h of Linux: the same on every architecture that .NET supports, except s390x.
    private const int DontNeed = 4;

    private static readonly delegate* unmanaged<int, long, long, int, int> Advise = Resolve();

    /// <summary>Evicts the durable pages of the file. A failure is not an error: the pages just stay in the cache.</summary>
    public static void Evict(SafeFileHandle handle)
    {
        if (Advise is null)
            return;
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            _ = Advise((int)handle.DangerousGetHandle(), 0, 0, DontNeed);
        }
        finally
        {
            if (added)
                handle.DangerousRelease();
        }
    }

    // The function with 64-bit offsets; in a 32-bit process it has another name.
    private static delegate* unmanaged<int, long, long, int, int> Resolve() =>
        OperatingSystem.IsLinux() && Environment.Is64BitProcess && RuntimeInformation.ProcessArchitecture != Architecture.S390x &&
        NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "posix_fadvise", out var function)
            ? (delegate* unmanaged<int, long, long, int, int>)function
            : null;
}
