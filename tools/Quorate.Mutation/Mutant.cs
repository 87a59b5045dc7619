using Microsoft.CodeAnalysis.Text;

namespace Quorate.Mutation;

/// <summary>One small change of the sources.</summary>
/// <param name="File">The changed file, relative to the repository.</param>
/// <param name="Span">The expression or statement that is replaced.</param>
/// <param name="IsStatement">Whether it is a statement; otherwise an expression.</param>
/// <param name="Kind">The kind of change, for the report.</param>
/// <param name="Line">The line of the original text, from 1.</param>
/// <param name="Original">The original text.</param>
/// <param name="Changed">The text in its place; empty: the statement is removed.</param>
/// <param name="CastTo">The type that both texts are converted to, because a constant loses its implicit conversions; or null.</param>
internal sealed record Mutant(
    string File, TextSpan Span, bool IsStatement, string Kind, int Line, string Original, string Changed, string? CastTo = null)
{
    public override string ToString()
    {
        var changed = Changed.Length == 0 ? "(removed)" : Shorten(Changed);
        return $"{File}:{Line} {Kind}: {Shorten(Original)} → {changed}";
    }

    private static string Shorten(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 90 ? line : string.Concat(line.AsSpan(0, 87), "...");
    }
}
