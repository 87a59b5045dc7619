using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Wal;

namespace Quorate.Node.Tests.Storage;

/// <summary>
/// Starts this test program again as a process that keeps a log in a real directory, while strace makes its system calls fail.
/// </summary>
internal static class WalChildProcess
{
    private const string DirectoryVariable = "QUORATE_TEST_DISK_CHILD";
    private const int Commits = 8;

    /// <summary>Runs the child with this injection; returns its output and the traced system calls.</summary>
    public static (string[] Output, string[] Calls) Run(string directory, string injection, string log = "log")
    {
        var trace = Path.Combine(directory, "trace.txt");
        var start = new ProcessStartInfo("strace")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "-f", "-qq", "--seccomp-bpf", "-e", "trace=fdatasync,fsync,fallocate", "-e", "inject=" + injection, "-o", trace,
                Path.Combine(AppContext.BaseDirectory, "Quorate.Node.Tests"),
            },
            Environment = { [DirectoryVariable] = Path.Combine(directory, log) },
        };
        using var process = StartStrace(start);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"strace or the child ended with {process.ExitCode}: {errors.Result} {output}");
        return (output.Split('\n', StringSplitOptions.RemoveEmptyEntries), CallsOf(File.ReadAllLines(trace)));
    }

    /// <summary>
    /// The lines of a trace that describe a system call. strace also writes <c>???( &lt;detached ...&gt;</c> for a thread that exits with
    /// its process, in any place.
    /// </summary>
    private static string[] CallsOf(string[] trace) => [.. trace.Where(static line => !line.Contains("???(", StringComparison.Ordinal))];

    private static Process StartStrace(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("strace is not installed, and this test needs it to make system calls fail (Debian: apt-get install strace)");
            throw;
        }
    }

    // Runs before the test runner's own Main, which the child never reaches.
    [ModuleInitializer]
    internal static void RunIfRequested()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is not { Length: > 0 } directory)
            return;
        try
        {
            WriteLog(directory);
        }
        catch (Exception e)
        {
            WriteLine($"{e.GetType().Name}: {e.Message}");
        }

        Environment.Exit(0);
    }

    private static void WriteLog(string directory)
    {
        var options = Given.SmallSegments();
        using var storage = new FileStorage(directory);
        using var log = Given.OpenLog(storage, options).Log;
        WriteLine("opened");
        for (ulong index = 1; index <= Commits; index++)
        {
            try
            {
                log.AppendAndFlush(Given.Batch(options, Given.Entry(index, term: 0)));
                WriteLine(string.Create(CultureInfo.InvariantCulture, $"durable {index}"));
            }
            catch (Exception e)
            {
                WriteLine($"{index} {e.GetType().Name}: {e.Message}");
            }
        }
    }

    private static void WriteLine(string line) => Console.Out.WriteLine(line);
}
