using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Quorate.Node.Io;
using Quorate.Node.Tests.Wal;
using Quorate.Node.Wal;

namespace Quorate.Node.Tests.Io;

/// <summary>This test program started once more, as a process that keeps a log in a real folder while strace makes its system calls fail.</summary>
internal static class DiskChild
{
    private const string FolderVariable = "QUORATE_TEST_DISK_CHILD";
    private const int Commits = 8;

    /// <summary>Runs the child with this injection; gives what it said, and the traced system calls.</summary>
    public static (string[] Said, string[] Calls) Run(string folder, string injection, string log = "log")
    {
        var trace = Path.Combine(folder, "trace.txt");
        var start = new ProcessStartInfo("strace")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "-f", "-qq", "--seccomp-bpf", "-e", "trace=fdatasync,fsync,fallocate", "-e", "inject=" + injection, "-o", trace,
                Path.Combine(AppContext.BaseDirectory, "Quorate.Node.Tests"),
            },
            Environment = { [FolderVariable] = Path.Combine(folder, log) },
        };
        using var process = StartStrace(start);
        var errors = process.StandardError.ReadToEndAsync();
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"strace or the child ended with {process.ExitCode}: {errors.Result} {said}");
        return (said.Split('\n', StringSplitOptions.RemoveEmptyEntries), File.ReadAllLines(trace));
    }

    private static Process StartStrace(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("system calls are made to fail with strace, and it is not there (Debian: apt-get install strace)");
            throw;
        }
    }

    // Before the test runner's own Main, which is never reached in the child.
    [ModuleInitializer]
    internal static void LiveIfAskedTo()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } folder)
            return;
        try
        {
            KeepALog(folder);
        }
        catch (Exception e)
        {
            Say($"{e.GetType().Name}: {e.Message}");
        }

        Environment.Exit(0);
    }

    private static void KeepALog(string folder)
    {
        var options = Given.SmallSegments();
        using var disk = new FileDisk(folder);
        using var log = WriteAheadLog.Open(disk, options).Log;
        Say("opened");
        for (ulong index = 1; index <= Commits; index++)
        {
            try
            {
                log.Commit(Given.Batch(options, Given.Entry(index, term: 0)));
                Say(string.Create(CultureInfo.InvariantCulture, $"durable {index}"));
            }
            catch (Exception e)
            {
                Say($"{index} {e.GetType().Name}: {e.Message}");
            }
        }
    }

    private static void Say(string line) => Console.Out.WriteLine(line);
}
