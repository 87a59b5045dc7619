using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Io;

/// <summary>The system's own flush. .NET's is not used: on Linux it reports success when the system reports a failure.</summary>
/// <remarks>
/// .NET 10's <c>RandomAccess.FlushToDisk</c> and <c>FileStream.Flush(true)</c> end in <c>SystemNative_FSync</c>, whose loop
/// <c>while ((result = fsync(fd) &lt; 0) &amp;&amp; errno == EINTR)</c> stores the comparison instead of the result: it is never negative, and EIO
/// is lost. The functions are looked up in the main program's scope, as the linker would, so that a library put before libc (LD_PRELOAD)
/// is seen. What they return decides; errno only decorates the message, because the runtime may have called something since.
/// </remarks>
internal static unsafe class NativeFlush
{
    // fcntl.h of macOS: fsync there leaves the data in the drive's cache, F_FULLFSYNC asks the drive too.
    private const int FullFsync = 51;

    // O_DIRECTORY differs between systems and is not needed: a folder opened for reading can be flushed. O_RDONLY is 0 everywhere.
    private const int OpenReadOnly = 0;
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecMac = 0x1000000;

    private static readonly delegate* unmanaged<int, int> Fdatasync =
        OperatingSystem.IsLinux() ? (delegate* unmanaged<int, int>)Resolve("fdatasync") : null;

    private static readonly delegate* unmanaged<int, int> Fsync =
        OperatingSystem.IsWindows() ? null : (delegate* unmanaged<int, int>)Resolve("fsync");

    private static readonly delegate* unmanaged<int, int, int> Fcntl =
        OperatingSystem.IsMacOS() ? (delegate* unmanaged<int, int, int>)Resolve("fcntl") : null;

    private static readonly delegate* unmanaged<byte*, int, int> OpenFile =
        OperatingSystem.IsWindows() ? null : (delegate* unmanaged<byte*, int, int>)Resolve("open");

    private static readonly delegate* unmanaged<int, int> CloseFile =
        OperatingSystem.IsWindows() ? null : (delegate* unmanaged<int, int>)Resolve("close");

    private static readonly delegate* unmanaged<nint, int> FlushFileBuffers =
        OperatingSystem.IsWindows() ? (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(NativeLibrary.Load("kernel32"), "FlushFileBuffers") : null;

    /// <summary>Everything written to the file is on the disk when this returns.</summary>
    /// <exception cref="DiskFlushException">The system said anything but success.</exception>
    public static void FlushFile(SafeFileHandle handle, string path)
    {
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            var native = handle.DangerousGetHandle();
            if (OperatingSystem.IsWindows())
                Require(FlushFileBuffers(native) != 0, "FlushFileBuffers", path);
            else if (OperatingSystem.IsMacOS())
                Require(Fcntl((int)native, FullFsync) == 0, "fcntl(F_FULLFSYNC)", path);
            else if (OperatingSystem.IsLinux())
                Require(Fdatasync((int)native) == 0, "fdatasync", path);
            else
                Require(Fsync((int)native) == 0, "fsync", path);
        }
        finally
        {
            if (added)
                handle.DangerousRelease();
        }
    }

    /// <summary>The names in the folder are on the disk when this returns.</summary>
    /// <remarks>On Windows there is nothing to ask for: NTFS writes changes of names through its journal.</remarks>
    /// <param name="path">The folder.</param>
    /// <param name="ifReadable">A folder that cannot be opened is left alone.</param>
    /// <exception cref="DiskFlushException">The system said anything but success.</exception>
    public static void FlushDirectory(string path, bool ifReadable = false)
    {
        if (OperatingSystem.IsWindows())
            return;

        var name = Marshal.StringToCoTaskMemUTF8(path);
        var descriptor = OpenFile((byte*)name, OpenReadOnly | (OperatingSystem.IsMacOS() ? CloseOnExecMac : CloseOnExecLinux));
        Marshal.FreeCoTaskMem(name);
        if (descriptor < 0 && ifReadable)
            return;
        Require(descriptor >= 0, "open", path);
        var result = Fsync(descriptor);
        var error = Marshal.GetLastSystemError();
        _ = CloseFile(descriptor);
        Marshal.SetLastSystemError(error);
        Require(result == 0, "fsync", path);
    }

    private static void Require(bool succeeded, string function, string path)
    {
        if (succeeded)
            return;
        var error = Marshal.GetLastSystemError();
        throw new DiskFlushException(
            $"{function} failed for {path} ({Marshal.GetPInvokeErrorMessage(error)}, {error}): what was written since the last flush may be lost. " +
            "It is not tried again, because the system may report success without the data. Stop, look at the disk, and start again.");
    }

    private static nint Resolve(string function) => NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), function);
}
