using System.Diagnostics.CodeAnalysis;

namespace Quorate.Server.Settings;

/// <summary>The flag values given on the command line and in the environment; the command line takes precedence.</summary>
internal sealed class ParsedFlags
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Warnings for the operator that do not prevent the server from starting.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    private readonly List<string> _warnings = [];

    /// <summary>Whether help was requested.</summary>
    public bool HelpRequested { get; private set; }

    /// <summary>Whether the version was requested.</summary>
    public bool VersionRequested { get; private set; }

    /// <summary>Gets the value of a flag; returns false if the flag was not given.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out string? value) => _values.TryGetValue(name, out value);

    /// <summary>Returns the value of a flag, or <paramref name="default"/> if the flag was not given.</summary>
    public string Get(string name, string @default) => _values.GetValueOrDefault(name, @default);

    /// <summary>Parses the command line and the environment.</summary>
    /// <exception cref="StartupException">A flag is unknown, has no value, or is rejected (<see cref="FlagSupport.Rejected"/>).</exception>
    public static ParsedFlags Parse(ReadOnlySpan<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var flags = new ParsedFlags();
        flags.ParseEnvironment(environment);
        flags.ParseArguments(arguments);
        return flags;
    }

    private void ParseEnvironment(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (variable, value) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith("ETCD_", StringComparison.Ordinal) || value.Length == 0)
                continue;

            var flag = EtcdFlags.Find(variable["ETCD_".Length..].Replace('_', '-').ToLowerInvariant());
            if (flag is null)
                _warnings.Add($"{variable} is an unknown environment variable and is ignored");
            else
                Add(flag, variable, value);
        }
    }

    private void ParseArguments(ReadOnlySpan<string> arguments)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (argument is "--help" or "-help" or "-h")
            {
                HelpRequested = true;
                continue;
            }

            if (argument is "--version" or "-version")
            {
                VersionRequested = true;
                continue;
            }

            var (name, value) = SplitArgument(argument);
            var flag = EtcdFlags.Find(name) ?? throw UnknownFlag(name);
            if (value is null)
            {
                if (flag.IsBoolean)
                    value = "true";
                else if (i + 1 < arguments.Length)
                    value = arguments[++i];
                else
                    throw StartupException.Usage(
                        $"--{name} has no value.", "it is the last argument of the command line",
                        $"write --{name}=<value>, or leave it out");
            }

            Add(flag, "--" + name, value);
        }
    }

    private static (string Name, string? Value) SplitArgument(string argument)
    {
        var dashes = argument.StartsWith("--", StringComparison.Ordinal) ? 2 : argument.StartsWith('-') ? 1 : 0;
        if (dashes == 0 || argument.Length == dashes)
        {
            throw StartupException.Usage(
                $"\"{argument}\" is not a flag.",
                "settings are given as --flag value or --flag=value; positional arguments are not supported",
                "write boolean values after an equals sign (--flag=false); quote a value that contains spaces");
        }

        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (argument[dashes..], null) : (argument[dashes..equals], argument[(equals + 1)..]);
    }

    private void Add(EtcdFlag flag, string source, string value)
    {
        if (flag.IsBoolean && !IsBoolean(value, out _))
        {
            throw StartupException.Usage(
                $"{source} is \"{value}\".", "the flag is boolean and takes true or false",
                $"write --{flag.Name}=true or --{flag.Name}=false");
        }

        switch (flag.Support)
        {
            case FlagSupport.Supported or FlagSupport.Extension:
                _values[flag.Name] = value;
                break;
            case FlagSupport.Ignored:
                _warnings.Add($"{source} has no effect: {flag.Description}");
                break;
            case FlagSupport.Rejected when HasNoEffect(flag, value):
                break;
            default:
                throw StartupException.Usage($"{source} is not supported.", flag.Description, "remove it, or use etcd if you need it");
        }
    }

    /// <summary>
    /// Whether the value leaves etcd's default behaviour unchanged: an empty value, a boolean flag that is false, or etcd's own default.
    /// </summary>
    private static bool HasNoEffect(EtcdFlag flag, string value) =>
        value.Length == 0
        || (flag.IsBoolean && IsBoolean(value, out var on) && !on)
        || flag.HarmlessValues.Contains(value);

    /// <summary>Parses the spellings of true and false that Go's flag package accepts.</summary>
    private static bool IsBoolean(string value, out bool on)
    {
        on = value is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return on || value is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }

    private static StartupException UnknownFlag(string name)
    {
        var nearest = EtcdFlags.All.MinBy(f => LevenshteinDistance(f.Name, name))!;
        var hint = LevenshteinDistance(nearest.Name, name) <= Math.Max(2, name.Length / 4) ? $"did you mean --{nearest.Name}? " : "";
        return StartupException.Usage(
            $"--{name} is not a flag of this server.", "neither etcd nor Quorate has a flag of that name",
            hint + "quorate server --help lists them all");
    }

    /// <summary>The Levenshtein distance: insertions, deletions and substitutions between two words.</summary>
    private static int LevenshteinDistance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
