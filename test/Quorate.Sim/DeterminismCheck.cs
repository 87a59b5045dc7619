using System.Diagnostics;
using Quorate.Verification;

/// <summary>This program once more, as a process of its own: with other secrets in its hashes, other addresses and other threads.</summary>
internal static class DeterminismCheck
{
    /// <summary>What it is told to do there: one run, and what that did goes to its standard output.</summary>
    public const string RecordSwitch = "--record";

    /// <summary>What it does there.</summary>
    public static void WriteRecord(SimulatorCommand command)
    {
        var record = new DeterminismRecord();
        KvSimulation.Run(command.Seed!.Value, command.Options with { DeterminismRecord = record });
        using var output = Console.OpenStandardOutput();
        record.Write(output);
    }

    /// <summary>Runs a seed there and then here, where it must do the same.</summary>
    public static SimulationReport Run(SimulatorCommand command, RunOptions options)
    {
        // Started by its own name, or by the runtime's.
        var program = Environment.ProcessPath!;
        string[] itself = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        string[] arguments = [.. itself, .. (command with { CheckDeterminism = false }).Arguments.Split(' '), RecordSwitch];
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        using var record = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(record);
        process.WaitForExit();
        record.Position = 0;

        if (process.ExitCode == 0)
            return KvSimulation.Run(command.Seed!.Value, options with { DeterminismRecord = DeterminismRecord.Read(record) });

        // What breaks a promise there does so here too, and is told here.
        KvSimulation.Run(command.Seed!.Value, options);
        throw new SimulationFailedException($"seed {command.Seed} ends well here, and in another process it did not:\n{errors.Result}\nagain: {command}");
    }
}
