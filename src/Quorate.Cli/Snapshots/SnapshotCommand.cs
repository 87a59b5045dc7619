using System.CommandLine;
using System.Globalization;
using Quorate.Cli.Client;
using Quorate.Server.Backups;
using Quorate.Server.Settings;

namespace Quorate.Cli.Snapshots;

/// <summary>The commands <c>quorate snapshot save</c>, <c>status</c> and <c>restore</c>: backups of a cluster.</summary>
internal static class SnapshotCommand
{
    /// <summary>
    /// The time without a byte from the server: it waits for a quorum and reads its whole store before it sends the first.
    /// </summary>
    private static readonly TimeSpan SaveTimeout = TimeSpan.FromMinutes(1);

    /// <summary>Creates the command.</summary>
    public static Command Create() => new("snapshot", "Saves a backup of a running cluster, shows one, and makes a new cluster from one.")
    {
        CreateSave(),
        CreateStatus(),
        CreateRestore(),
    };

    private static Command CreateSave()
    {
        var file = new Argument<string>("file")
        {
            Description = "The file to write. An existing file is replaced when the new one is complete.",
        };
        return ClientArguments.CreateCommand(
            "snapshot save",
            "Saves the state of a running cluster to a file. It contains every write that was acknowledged before the command began.",
            [file],
            static (parsed, session, output, stop) => SaveAsync(parsed.GetRequiredValue<string>("file"), session, output, stop),
            SaveTimeout);
    }

    private static async Task SaveAsync(string file, ClientSession session, ClientOutput output, CancellationToken stop)
    {
        var saved = await new SnapshotDownload(session).SaveAsync(file, stop).ConfigureAwait(false);
        output.WriteLine(output.IsJson ? SnapshotStatus.ToJson(saved) : $"Snapshot saved at {file}");
    }

    private static Command CreateStatus()
    {
        var file = new Argument<string>("file") { Description = "The backup." };
        var format = new Option<string>("--write-out", "-w", "-o", "--output")
        {
            Description = "Output format: simple, json or table.",
            DefaultValueFactory = static _ => "simple",
        };
        format.AcceptOnlyFromAmong("simple", "json", "table");
        var command = new Command(
            "status",
            "Verifies a backup and prints its hash, revision, number of keys, size, the term and index of its last log entry, and the "
            + $"members of the cluster that it was taken of.\n\n{ExitCodes}")
        {
            file, format,
        };
        command.SetAction((parsed, stop) =>
        {
            var summary = BackupSummary.Read(parsed.GetRequiredValue(file), stop);
            Console.Out.WriteLine(parsed.GetRequiredValue(format) switch
            {
                "json" => SnapshotStatus.ToJson(summary),
                "table" => SnapshotStatus.ToTable(summary),
                _ => SnapshotStatus.ToLine(summary),
            });
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static Command CreateRestore()
    {
        var file = new Argument<string>("file") { Description = "The backup." };
        Option<string>[] serverFlags =
        [
            new("--name") { Description = "Name of this member. [default: default]" },
            new("--data-dir") { Description = "The data directory to create; empty or not there yet. [default: NAME.etcd]" },
            new("--initial-cluster") { Description = "All members of the new cluster: NAME=PEER-URL, comma-separated." },
            new("--initial-cluster-token") { Description = "Token of the new cluster. [default: etcd-cluster]" },
            new("--initial-advertise-peer-urls") { Description = "Peer URLs of this member. [default: those in --initial-cluster]" },
        ];
        var bump = new Option<long>("--bump-revision") { Description = "How much to add to the newest revision." };
        bump.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<long>() < 0)
                result.AddError("--bump-revision must not be negative.");
        });
        var compact = new Option<bool>("--mark-compacted")
        {
            Description = "Compact the history up to the newest revision; required with --bump-revision.",
        };
        var command = new Command(
            "restore",
            "Makes the data directory of one member of a new cluster from a backup. Run it for each member, with the same file and the "
            + $"same --initial-cluster, before the first member is started; then start each with the same flags.\n\n{ExitCodes}")
        {
            file,
        };
        foreach (var flag in serverFlags)
            command.Add(flag);
        command.Add(bump);
        command.Add(compact);
        command.Validators.Add(result =>
        {
            if (result.GetValue(bump) > 0 != result.GetValue(compact))
                result.AddError("--bump-revision and --mark-compacted are used together: either both or neither.");
        });
        command.SetAction((parsed, stop) =>
        {
            string[] flags =
            [
                .. serverFlags.Where(flag => parsed.GetResult(flag) is { Implicit: false })
                    .Select(flag => $"{flag.Name}={parsed.GetValue(flag)}"),
            ];
            var settings = SettingsParser.Parse(ParsedFlags.Parse(flags, new Dictionary<string, string>()));
            Restore(parsed.GetRequiredValue(file), settings, parsed.GetValue(bump), stop);
            return Task.FromResult(ExitCode.Ok);
        });
        return command;
    }

    private static void Restore(string file, ServerSettings settings, long bump, CancellationToken stop)
    {
        var (restored, summary) = BackupRestoration.Restore(file, settings, bump, stop);
        var (store, last) = (summary.Store, summary.Backup.Last);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            Restored member {restored.Name} ({restored.Self.Id.Value:x}) of cluster {restored.ClusterId:x} at {restored.DataDirectory}:
            revision {store.Revision + bump}, {store.KeyCount} keys, {store.LeaseCount} leases, log entry {last.Index} of term {last.Term}.
            """));
    }

    private static string ExitCodes { get; } =
        $"""
        Exit codes:
          {ExitCode.Ok,-4} success
          {ExitCode.Usage,-4} the command line is invalid
          {ExitCode.Failed,-4} the file is no backup or cannot be read, or the data directory is not empty or cannot be written
          {ExitCode.Corruption,-4} the backup is corrupt
        """;
}
