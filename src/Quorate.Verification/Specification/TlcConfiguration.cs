using System.Globalization;
using System.Text.RegularExpressions;

namespace Quorate.Verification.Specification;

/// <summary>
/// Reads the constants from a TLC configuration file, so that TLC and the executable specification use the same bounds.
/// </summary>
internal static partial class TlcConfiguration
{
    /// <summary>Parses the constants of a configuration.</summary>
    /// <exception cref="FormatException">A constant is missing.</exception>
    public static SpecConstants Read(string text)
    {
        var values = Assignment()
            .Matches(text)
            .ToDictionary(static m => m.Groups["name"].Value, static m => m.Groups["value"].Value.Trim(), StringComparer.Ordinal);
        string Value(string name) =>
            values.TryGetValue(name, out var value) ? value : throw new FormatException($"the configuration has no constant {name}");
        int Number(string name) => int.Parse(Value(name), CultureInfo.InvariantCulture);

        return new SpecConstants
        {
            Servers = SetsIn(Value("Servers"))[0].Count,
            InitialVoters = SetsIn(Value("InitialVoters"))[0].Servers,
            Targets = [.. SetsIn(Value("Targets")).Where(static s => s.Count > 0).Select(static s => s.Servers)],
            SymmetricServers = SetsIn(Value("SymmetricServers"))[0].Servers,
            InitialState = InitialState().Match(text) is { Success: true } initial ? initial.Groups["name"].Value : "Init",
            PreVote = Value("PreVote") == "TRUE",
            MaxTerm = Number("MaxTerm"),
            MaxCommands = Number("MaxCommands"),
            MaxWrites = Number("MaxWrites"),
            MaxRestarts = Number("MaxRestarts"),
            MaxChanges = Number("MaxChanges"),
            MaxSnapshots = Number("MaxSnapshots"),
            MaxReads = Number("MaxReads"),
            MaxTransfers = Number("MaxTransfers"),
        };
    }

    /// <summary>Parses the innermost sets of an expression; {s1, s2} is the set of servers 0 and 1.</summary>
    private static List<(int Count, ServerSet Servers)> SetsIn(string text)
    {
        var sets = new List<(int, ServerSet)>();
        foreach (Match set in InnermostSet().Matches(text))
        {
            var servers = ServerName()
                .Matches(set.Value)
                .Select(static m => int.Parse(m.Groups["number"].Value, CultureInfo.InvariantCulture) - 1)
                .ToArray();
            sets.Add((servers.Length, ServerSet.Of(servers)));
        }

        return sets;
    }

    [GeneratedRegex(@"^\s*(?<name>\w+)\s*=\s*(?<value>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"^INIT (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex InitialState();

    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex InnermostSet();

    [GeneratedRegex(@"s(?<number>\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex ServerName();
}
