using System.ComponentModel;
using System.Diagnostics;

namespace Quorate.Mutation;

/// <summary>Runs a program with a limit on its CPU time, and ends it when it stands still.</summary>
internal static class LimitedProcess
{
    private const int PollMilliseconds = 50;

    /// <summary>
    /// 20 s. Counted in polls instead of by a clock, so that nothing times out while this program itself is suspended.
    /// </summary>
    private const int PollsWithoutProgressMax = 20_000 / PollMilliseconds;

    private static readonly TimeSpan Progress = TimeSpan.FromMilliseconds(200);

    /// <summary>A mutant that allocates in an endless loop fails with an exception before the machine is out of memory.</summary>
    private const string HeapHardLimit = "0x50000000";

    /// <summary>Runs the program. The result's exit code is null when it was ended by a limit.</summary>
    public static ProcessResult Run(
        string executable, string arguments, TimeSpan cpuMax, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(executable, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetDirectoryName(executable),
        };
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapHardLimit;
        start.Environment["DOTNET_gcConcurrent"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        var (cpu, cpuAtProgress, pollsWithoutProgress) = (TimeSpan.Zero, TimeSpan.Zero, 0);
        while (!process.WaitForExit(PollMilliseconds))
        {
            cpu = CpuTimeOf(process) ?? cpu;
            if (cpu - cpuAtProgress >= Progress)
                (cpuAtProgress, pollsWithoutProgress) = (cpu, 0);
            if (cpu <= cpuMax && ++pollsWithoutProgress < PollsWithoutProgressMax)
                continue;
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            return new ProcessResult(null, output.Result, cpu);
        }

        return new ProcessResult(process.ExitCode, output.Result + errors.Result, cpu);
    }

    private static TimeSpan? CpuTimeOf(Process process)
    {
        try
        {
            return process.TotalProcessorTime;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has ended since the last poll.
            return null;
        }
    }
}

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code; null: it was ended by a limit.</param>
/// <param name="Output">What it printed.</param>
/// <param name="Cpu">Its CPU time, to a poll.</param>
internal sealed record ProcessResult(int? ExitCode, string Output, TimeSpan Cpu);
