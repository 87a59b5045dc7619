using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Load;

/// <summary>The upper bound for any log on this disk: a loop that only writes the same bytes to a file and flushes them.</summary>
/// <remarks>
/// A group of N commands is one write and one <c>fdatasync</c>. The file was written in full beforehand, so a flush writes data but no
/// file system metadata: no log can be faster on this disk. With three copies, three threads write three files in parallel, and a group
/// counts once all of them have flushed it; three members on one disk share it the same way.
/// </remarks>
internal static partial class RawDiskBaseline
{
    private const int FileBytes = 64 * 1024 * 1024;

    public static Measurement Run(string name, int copies, LoadOptions options, string directory)
    {
        var group = new byte[options.Writers * options.CommandBytes];
        new Random(options.Seed).NextBytes(group);
        var recorder = new Recorder();
        using var round = new Barrier(copies);
        var stop = false;

        var threads = new Thread[copies];
        for (var copy = 0; copy < copies; copy++)
        {
            var path = Path.Combine(directory, $"copy-{copy}");
            var counts = copy == 0;
            threads[copy] = new Thread(() =>
            {
                using var file = CreateWritten(path);
                var offset = 0L;
                while (!Volatile.Read(ref stop))
                {
                    round.SignalAndWait();
                    var startedAt = Stopwatch.GetTimestamp();
                    offset = offset + group.Length <= FileBytes ? offset : 0;
                    RandomAccess.Write(file, group, offset);
                    Flush(file);
                    offset += group.Length;
                    round.SignalAndWait();
                    if (counts)
                    {
                        recorder.Record(startedAt, options.Writers);
                    }
                }

                round.RemoveParticipant();
            });
            threads[copy].Start();
        }

        Thread.Sleep(options.Warmup);
        recorder.Begin();
        Thread.Sleep(options.Duration);
        recorder.End();
        Volatile.Write(ref stop, true);
        foreach (var thread in threads)
        {
            thread.Join();
        }

        return recorder.Report(name, options);
    }

    private static SafeFileHandle CreateWritten(string path)
    {
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        var zeros = new byte[1024 * 1024];
        for (var offset = 0L; offset < FileBytes; offset += zeros.Length)
        {
            RandomAccess.Write(file, zeros, offset);
        }

        Flush(file);
        return file;
    }

    private static void Flush(SafeFileHandle file)
    {
        if (FlushData(file) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "fdatasync failed");
        }
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FlushData(SafeFileHandle file);
}
