using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Node.Threading;

/// <summary>A monotonic clock that counts the time during which the computer is suspended. It measures durations only.</summary>
/// <remarks>
/// <see cref="TimeProvider.System"/> does not count it on Linux (CLOCK_MONOTONIC) and Windows: what a node knew before a suspension would
/// seem to be recent after it.
/// <code>
///   Linux     CLOCK_BOOTTIME
///   macOS     CLOCK_MONOTONIC_RAW, which counts sleep there
///   Windows   GetTickCount64, 10 to 16 ms
/// </code>
/// None of them counts the time for which a hypervisor stops the whole machine. A 32-bit process on a Unix system has no such clock here:
/// the size of its timespec depends on the C library.
/// </remarks>
internal sealed unsafe class BootTimeProvider : TimeProvider
{
    private const int BootTimeLinux = 7;
    private const int MonotonicRawMac = 4;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private static readonly delegate* unmanaged<int, TimeSpec*, int> GetTime =
        OperatingSystem.IsWindows() ? null : (delegate* unmanaged<int, TimeSpec*, int>)Resolve("clock_gettime");

    private BootTimeProvider()
    {
    }

    /// <summary>The clock; null: this system has none.</summary>
    public static BootTimeProvider? Instance { get; } = IsSupported() ? new() : null;

    /// <summary>By how much the clock may lag behind the time that it measures.</summary>
    public static TimeSpan Resolution => OperatingSystem.IsWindows() ? TimeSpan.FromMilliseconds(16) : TimeSpan.Zero;

    /// <inheritdoc/>
    public override long TimestampFrequency => NanosecondsPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        if (OperatingSystem.IsWindows())
            return Environment.TickCount64 * (NanosecondsPerSecond / 1000);
        TimeSpec time;
        Invariant.That(TryGetTime(&time), "the clock could be read before");
        return (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
    }

    private static bool IsSupported()
    {
        if (OperatingSystem.IsWindows())
            return true;
        TimeSpec time;
        return Environment.Is64BitProcess && (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()) && TryGetTime(&time);
    }

    private static bool TryGetTime(TimeSpec* time) => GetTime(OperatingSystem.IsMacOS() ? MonotonicRawMac : BootTimeLinux, time) == 0;

    private static nint Resolve(string function) => NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), function);

    /// <summary>struct timespec of a 64-bit process.</summary>
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
