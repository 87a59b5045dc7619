using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Storage;

/// <summary>
/// Calls the operating system's flush. .NET's own flush is not used: on Linux it reports success when the system reports a failure.
/// </summary>
/// <remarks>
/// .NET 10's <c>RandomAccess.FlushToDisk</c> and <c>FileStream.Flush(true)</c> end in <c>SystemNative_FSync</c>, whose loop <c>while
/// ((result = fsync(fd) &lt; 0) &amp;&amp; errno == EINTR)</c> stores the comparison instead of the result: it is never negative, and EIO
/// is lost. The functions are resolved in the main program's scope, as the linker would, so that a library loaded before libc (LD_PRELOAD)
/// is respected. Only their return values decide; errno merely adds to the message, because the runtime may have made other calls since.
/// </remarks>
internal static unsafe class NativeFlush
{
    // From fcntl.h of macOS: fsync leaves the data in the drive's cache there; F_FULLFSYNC also flushes that cache.
    private const int FullFsync = 51;

    // O_DIRECTORY differs between systems and is not needed: a directory opened for reading can be flushed. O_RDONLY is 0 everywhere.
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
        OperatingSystem.IsWindows()
            ? (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(NativeLibrary.Load("kernel32"), "FlushFileBuffers")
            : null;

    /// <summary>Makes everything written to the file durable.</summary>
    /// <exception cref="DiskFlushException">The system reported anything but success.</exception>
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

    /// <summary>Makes the names in a directory durable.</summary>
    /// <remarks>Does nothing on Windows: NTFS writes name changes through its journal.</remarks>
    /// <param name="path">The directory.</param>
    /// <param name="ifReadable">Whether to skip a directory that cannot be opened.</param>
    /// <exception cref="DiskFlushException">The system reported anything but success.</exception>
    public static void FlushDirectory(string path, bool ifReadable = false)
    {
        if (OperatingSystem.IsWindows())
            return;

        var descriptor = Open(path);
        if (descriptor < 0 && ifReadable)
            return;
        Require(descriptor >= 0, "open", path);
        var result = Fsync(descriptor);
        var error = Marshal.GetLastSystemError();
        _ = CloseFile(descriptor);
        Marshal.SetLastSystemError(error);
        Require(result == 0, "fsync", path);
    }

    /// <summary>Opens a directory for <see cref="FlushDirectory(SafeFileHandle, string)"/>; not on Windows.</summary>
    /// <exception cref="DiskFlushException">The directory cannot be opened.</exception>
    public static SafeFileHandle OpenDirectory(string path)
    {
        var descriptor = Open(path);
        Require(descriptor >= 0, "open", path);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Makes the names in an open directory durable; needs no further file descriptor.</summary>
    /// <exception cref="DiskFlushException">The system reported anything but success.</exception>
    public static void FlushDirectory(SafeFileHandle directory, string path)
    {
        var added = false;
        try
        {
            directory.DangerousAddRef(ref added);
            Require(Fsync((int)directory.DangerousGetHandle()) == 0, "fsync", path);
        }
        finally
        {
            if (added)
                directory.DangerousRelease();
        }
    }

    private static int Open(string path)
    {
        var name = Marshal.StringToCoTaskMemUTF8(path);
        var descriptor = OpenFile((byte*)name, OpenReadOnly | (OperatingSystem.IsMacOS() ? CloseOnExecMac : CloseOnExecLinux));
        Marshal.FreeCoTaskMem(name);
        return descriptor;
    }

    private static void Require(bool succeeded, string function, string path)
    {
        if (succeeded)
            return;
        var error = Marshal.GetLastSystemError();
        throw new DiskFlushException(
            $"{function} failed for {path} ({Marshal.GetPInvokeErrorMessage(error)}, {error}): " +
            "everything written since the last flush may be lost. " +
            "The flush is not retried, because the system may then report success without the data. " +
            "Stop the process, check the disk, and start again.");
    }

    private static nint Resolve(string function) => NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), function);
}
