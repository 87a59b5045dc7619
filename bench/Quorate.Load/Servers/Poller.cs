using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Quorate.Load.Http2;

namespace Quorate.Load.Servers;

/// <summary>Waits until one of a thread's connections has input, or accepts the output that it has. One <c>ppoll</c> per wait.</summary>
/// <remarks><c>ppoll</c> takes nanoseconds; the milliseconds of <c>poll</c> would delay every operation of an open loop.</remarks>
internal sealed partial class Poller(Http2Connection[] connections)
{
    private const short Input = 1;
    private const short Output = 4;
    private const int Interrupted = 4;

    private readonly PollFd[] _descriptors = new PollFd[connections.Length];

    /// <summary>Waits until a connection is ready or <paramref name="deadline"/>, in ticks of Stopwatch, has passed.</summary>
    public unsafe void Wait(long deadline)
    {
        for (var i = 0; i < connections.Length; i++)
        {
            var connection = connections[i];
            _descriptors[i] = new PollFd
            {
                // A negative descriptor is ignored.
                Descriptor = connection.IsClosed ? -1 : connection.FileDescriptor,
                Events = connection.HasOutput ? (short)(Input | Output) : Input,
            };
        }

        var ticks = Math.Max(0, deadline - Stopwatch.GetTimestamp());
        var (seconds, rest) = Math.DivRem(ticks, Stopwatch.Frequency);
        var timeout = new TimeSpec { Seconds = (nint)seconds, Nanoseconds = (nint)(rest * 1_000_000_000 / Stopwatch.Frequency) };
        fixed (PollFd* descriptors = _descriptors)
        {
            if (Poll(descriptors, (nuint)_descriptors.Length, &timeout, null) >= 0)
            {
                return;
            }
        }

        var error = Marshal.GetLastPInvokeError();
        if (error != Interrupted)
        {
            throw new Win32Exception(error, "ppoll failed");
        }

        Array.Clear(_descriptors);
    }

    /// <summary>Whether the last wait found input, or the end of the connection.</summary>
    public bool HasInput(int connection) => (_descriptors[connection].Returned & ~Output) != 0;

    /// <summary>Switches off the kernel's timer slack for this thread: by default, a timeout may end 50 microseconds late.</summary>
    public static void WakeOnTime()
    {
        const int setTimerSlack = 29;
        if (SetThreadOption(setTimerSlack, 1, 0, 0, 0) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "prctl failed");
        }
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int SetThreadOption(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [LibraryImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    private static unsafe partial int Poll(PollFd* descriptors, nuint count, TimeSpec* timeout, void* signalMask);

    private struct PollFd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
