using System.CommandLine;

namespace Quorate.Cli.Inspect;

/// <summary>The command <c>quorate inspect</c>: shows the files of a data directory, without a server.</summary>
internal static class InspectCommand
{
    /// <summary>Creates the command.</summary>
    public static Command Create() => new("inspect", "Shows the files of a data directory, and only reads them. A member may run in it.")
    {
        CreateWal(),
        CreateSnapshot(),
    };

    private static Command CreateWal()
    {
        var commands = new Option<bool>("--commands") { Description = "Decode the commands of the key-value store." };
        return CreateCommand(
            "wal", "Shows the write-ahead log, term and vote: frames, entries, commit marks, torn writes, corruption.",
            "A data directory, or one file: a segment (wal-*), hardstate, or identity.", [commands],
            (path, output, parsed) => new WalInspector(
                output, parsed.GetValue(commands), new ConcurrentWrites(TimeSpan.FromMilliseconds(20))).Inspect(path));
    }

    private static Command CreateSnapshot() => CreateCommand(
        "snapshot", "Shows and verifies snapshots: configuration, chunks, corruption.", "A data directory, or a snapshot file.", [],
        static (path, output, _) => new SnapshotInspector(output).Inspect(path));

    private static Command CreateCommand(
        string name, string description, string pathDescription, Option[] options, Action<string, InspectOutput, ParseResult> inspect)
    {
        var path = new Argument<string>("path") { Description = pathDescription };
        var summary = new Option<bool>("--summary") { Description = "Omit frames, entries and chunks." };
        var format = new Option<string>("--output", "-o", "-w")
        {
            Description = "Output format: simple, or json, an object on each line.",
            DefaultValueFactory = _ => "simple",
        };
        format.AcceptOnlyFromAmong("simple", "json");
        var command = new Command(name, $"{description}\n\n{ExitCodes}") { path, summary, format };
        foreach (var option in options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var stdout = new BufferedStream(Console.OpenStandardOutput(), 64 * 1024);
            var output = new InspectOutput(stdout, parsed.GetRequiredValue(format) == "json", parsed.GetValue(summary));
            inspect(parsed.GetRequiredValue(path), output, parsed);
            return output.Corruptions > 0 ? ExitCode.Corruption : output.Unsupported > 0 ? ExitCode.Failed : ExitCode.Ok;
        });
        return command;
    }

    private static string ExitCodes { get; } =
        $"""
        Exit codes:
          {ExitCode.Ok,-4} no corruption
          {ExitCode.Usage,-4} the command line is invalid
          {ExitCode.Failed,-4} nothing to inspect, a file cannot be read, or another version wrote it
          {ExitCode.Corruption,-4} corruption was found
        """;
}
