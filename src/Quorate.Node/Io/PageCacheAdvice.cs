using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Io;

/// <summary>Tells Linux which of a file's pages it need not hold. Elsewhere there is nothing to tell.</summary>
/// <remarks>
/// A log that is written and hardly ever read would otherwise fill the machine's memory, page by page, with what nobody asks for, and each new page has to be found first:
/// a fifth of the processor time of a write where memory is lent by a host (bench/results/wal.md).
/// </remarks>
internal static unsafe class PageCacheAdvice
{
    // fcntl.h of Linux, the same on every architecture that .NET runs on but s390x.
    private const int DontNeed = 4;

    private static readonly delegate* unmanaged<int, long, long, int, int> Advise = Resolve();

    /// <summary>The pages of this file that are on the disk. That it did not work is no error: they stay where they are.</summary>
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

    // With 64-bit offsets, which a 32-bit process has under another name.
    private static delegate* unmanaged<int, long, long, int, int> Resolve() =>
        OperatingSystem.IsLinux() && Environment.Is64BitProcess && RuntimeInformation.ProcessArchitecture != Architecture.S390x &&
        NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "posix_fadvise", out var function)
            ? (delegate* unmanaged<int, long, long, int, int>)function
            : null;
}
