using System.Text;

namespace Quorate.Mutation;

/// <summary>The code that is compiled into a mutated project: the switch, and the expressions and statements that depend on it.</summary>
internal static class MutantSwitchSource
{
    /// <summary>The environment variable with the number of the active mutant, from 1; without it, the original code runs.</summary>
    public const string ActiveVariable = "QUORATE_MUTANT";

    /// <summary>
    /// The environment variable with the start of the path of the files to which the reached mutants are written at exit.
    /// </summary>
    public const string CoverageVariable = "QUORATE_MUTANT_COVERAGE";

    private const string Call = "global::Quorate.Mutation.MutantSwitch.IsActive";

    /// <summary>The class that reads the environment.</summary>
    public static string SwitchClass(int mutants) => $$"""
        namespace Quorate.Mutation
        {
            internal static class MutantSwitch
            {
                private static readonly int Active =
                    int.TryParse(System.Environment.GetEnvironmentVariable("{{ActiveVariable}}"), out var number) ? number : 0;
                private static readonly bool[]? Reached = RecordAtExit(System.Environment.GetEnvironmentVariable("{{CoverageVariable}}"));

                public static bool IsActive(int mutant)
                {
                    if (Reached is not null)
                        Reached[mutant] = true;
                    return mutant == Active;
                }

                private static bool[]? RecordAtExit(string? path)
                {
                    if (path is null)
                        return null;
                    var reached = new bool[{{mutants + 1}}];
                    System.AppDomain.CurrentDomain.ProcessExit += (_, _) =>
                    {
                        var lines = new System.Collections.Generic.List<string>();
                        for (var i = 1; i < reached.Length; i++)
                        {
                            if (reached[i])
                                lines.Add(i.ToString(System.Globalization.CultureInfo.InvariantCulture));
                        }

                        System.IO.File.WriteAllLines(path + "." + System.Environment.ProcessId, lines);
                    };
                    return reached;
                }
            }
        }
        """;

    /// <summary>Returns the text of a file with these mutants compiled into it, each under its number.</summary>
    /// <remarks>
    /// The changed text of a mutant contains no other mutant, since only one is active; the original text contains the mutants inside it.
    /// </remarks>
    public static string Apply(string text, IReadOnlyList<(int Number, Mutant Mutant)> mutants)
    {
        // Outer nodes before the nodes inside them.
        var groups = mutants
            .GroupBy(static m => m.Mutant.Span)
            .OrderBy(static g => g.Key.Start).ThenByDescending(static g => g.Key.Length)
            .Select(static g => g.ToList())
            .ToList();
        var next = 0;
        var result = new StringBuilder();
        Render(0, text.Length);
        return result.ToString();

        void Render(int start, int end)
        {
            while (next < groups.Count && groups[next][0].Mutant.Span.Start < end)
            {
                var group = groups[next++];
                var span = group[0].Mutant.Span;
                result.Append(text, start, span.Start - start);
                RenderSwitch(group);
                start = span.End;
            }

            result.Append(text, start, end - start);
        }

        void RenderSwitch(List<(int Number, Mutant Mutant)> group)
        {
            var (_, first) = group[0];
            var cast = first.CastTo is null ? "" : $"({first.CastTo})";
            result.Append(first.IsStatement ? "{ " : $"({cast}(");
            foreach (var (number, mutant) in group)
            {
                result.Append(first.IsStatement
                    ? $"if ({Call}({number})) {{ {mutant.Changed} }} else "
                    : $"{Call}({number}) ? {cast}({mutant.Changed}) : ");
            }

            result.Append(first.IsStatement ? "{ " : $"{cast}(");
            Render(first.Span.Start, first.Span.End);
            result.Append(first.IsStatement ? " } }" : ")))");
        }
    }
}
