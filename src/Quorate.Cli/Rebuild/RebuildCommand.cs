using System.CommandLine;
using Quorate.Node.Repair;

namespace Quorate.Cli.Rebuild;

/// <summary>The command <c>quorate rebuild</c>: lets a member that does not run receive all of its data from the others again.</summary>
internal static class RebuildCommand
{
    /// <summary>Creates the command.</summary>
    public static Command Create()
    {
        var directory = new Option<string>("--data-dir")
        {
            Description = "The data directory of the member.",
            Required = true,
        };
        var command = new Command(
            "rebuild",
            "Sets the log and the snapshots of a stopped member aside. The member keeps its identity, term and vote, and receives "
            + "everything else from the other members when it is started. Until then it does not vote: a majority of the others must "
            + $"run.\n\n{ExitCodes}")
        {
            directory,
        };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(directory);
            var (member, setAside) = DirectoryRepair.Rebuild(path);
            Console.Out.WriteLine(
                $"Member {member.MemberId} of cluster {member.ClusterId:x} is ready to be rebuilt. Start it as before: it receives its "
                + $"data from the other members. {setAside.Count} files were renamed to damaged-…, and are deleted when it has all of it:");
            foreach (var name in setAside)
                Console.Out.WriteLine("  " + name);
            return ExitCode.Ok;
        });
        return command;
    }

    private static string ExitCodes { get; } =
        $"""
        Exit codes:
          {ExitCode.Ok,-4} the member can be started
          {ExitCode.Usage,-4} the command line is invalid
          {ExitCode.Failed,-4} the member runs, the directory is not a member's, or it cannot be rebuilt; nothing was changed
        """;
}
