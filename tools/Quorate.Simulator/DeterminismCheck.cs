using System.Diagnostics;
using Quorate.Verification;

/// <summary>Runs a seed in a child process and then in this one, and compares the two runs event by event.</summary>
/// <remarks>
/// A second process has different hash seeds, addresses and thread timings, so a run that depends on any of them diverges.
/// </remarks>
internal static class DeterminismCheck
{
    /// <summary>Switch for the child process: run one seed and write the record of the run to standard output.</summary>
    public const string RecordSwitch = "--record";

    /// <summary>The child process: runs the seed and writes the record of the run to standard output.</summary>
    public static void WriteRecord(SimulatorCommandLine command)
    {
        var record = new DeterminismRecord();
        KvSimulation.Run(command.Seed!.Value, command.Options with { DeterminismRecord = record });
        using var output = Console.OpenStandardOutput();
        record.Write(output);
    }

    /// <summary>Runs the seed in a child process, then here against the record of that run. A difference is a violation.</summary>
    public static SimulationReport Run(SimulatorCommandLine command, RunOptions options)
    {
        // This process was started by its own executable or by `dotnet Quorate.Simulator.dll`.
        var program = Environment.ProcessPath!;
        string[] assembly = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        string[] arguments = [.. assembly, .. (command with { CheckDeterminism = false }).Arguments.Split(' '), RecordSwitch];
        using var process =
            Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        using var record = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(record);
        process.WaitForExit();
        record.Position = 0;

        if (process.ExitCode == 0)
            return KvSimulation.Run(command.Seed!.Value, options with { DeterminismRecord = DeterminismRecord.Read(record) });

        // A violation in the child process must occur here too, and this run reports it.
        KvSimulation.Run(command.Seed!.Value, options);
        throw new SimulationFailedException(
            $"seed {command.Seed} passes in this process and failed in another one:\n{errors.Result}\nreproduce with: {command}");
    }
}
