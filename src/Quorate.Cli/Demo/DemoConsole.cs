using System.Globalization;
using Spectre.Console;

namespace Quorate.Cli.Demo;

/// <summary>The demo's output: tables and colours on a terminal, plain lines otherwise.</summary>
internal sealed class DemoConsole(TextWriter output, bool isTerminal)
{
    /// <summary>Creates the console for the process's stdout.</summary>
    public static DemoConsole ForProcess() => new(
        Console.Out, !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    /// <summary>Writes a line.</summary>
    public void WriteLine(string line) => output.WriteLine(line);

    /// <summary>Writes the prompt, on a terminal only.</summary>
    public void Prompt()
    {
        if (isTerminal)
            output.Write("demo> ");
    }

    /// <summary>Writes the status of the members.</summary>
    public void WriteStatus(IReadOnlyList<DemoMemberStatus> rows)
    {
        if (isTerminal)
        {
            WriteStatusTable(rows);
            return;
        }

        foreach (var row in rows)
        {
            WriteLine(row.Role == "down"
                ? $"{row.Name} down"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{row.Name} {row.Role} {row.Address} term {row.Term} commit {row.Commit} applied {row.Applied}"));
        }
    }

    private static void WriteStatusTable(IReadOnlyList<DemoMemberStatus> rows)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("member", "role", "clients", "term", "commit", "applied");
        foreach (var row in rows)
        {
            var colour = row.Role switch
            {
                "leader" => "green",
                "down" => "red",
                _ => "default",
            };
            table.AddRow(
                $"[{colour}]{row.Name}[/]", $"[{colour}]{row.Role}[/]", row.Address,
                Number(row.Term, row.Role), Number(row.Commit, row.Role), Number(row.Applied, row.Role));
        }

        AnsiConsole.Write(table);
    }

    private static string Number(ulong value, string role) => role == "down" ? "" : value.ToString("N0", CultureInfo.InvariantCulture);
}
