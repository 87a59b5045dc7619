using System.CommandLine;
using Quorate.Server.Settings;

namespace Quorate.Cli;

/// <summary>The options that several commands have, with one syntax and one meaning.</summary>
internal static class CommandOptions
{
    /// <summary>The endpoints to connect to.</summary>
    public static Option<string> Endpoints() => new("--endpoints")
    {
        Description = "Comma-separated endpoints. Default: ETCDCTL_ENDPOINTS, or 127.0.0.1:2379.",
    };

    /// <summary>A duration in Go's syntax.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (GoDuration.TryParse(text, out var duration))
                return duration;
            result.AddError($"{name} {text} is not a duration; write a number and a unit, such as 500ms, 10s or 1m30s.");
            return null;
        },
    };

    /// <summary>Parses the value of <see cref="Endpoints"/>; null means the default.</summary>
    /// <param name="given">The value of the option.</param>
    /// <param name="error">Null, or why the value is invalid.</param>
    public static List<Uri> ParseEndpoints(string? given, out string? error)
    {
        error = null;
        var text = given ?? Environment.GetEnvironmentVariable("ETCDCTL_ENDPOINTS");
        var names = (string.IsNullOrWhiteSpace(text) ? "127.0.0.1:2379" : text)
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var endpoints = new List<Uri>();
        foreach (var name in names)
        {
            var address = name.Contains("://", StringComparison.Ordinal) ? name : "http://" + name;
            if (Uri.TryCreate(address, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https")
                endpoints.Add(endpoint);
            else
                error ??= $"{name} is not an endpoint; write host:port or http(s)://host:port.";
        }

        if (endpoints.Count == 0)
            error ??= "--endpoints is empty; write host:port or http(s)://host:port.";
        return endpoints;
    }
}
