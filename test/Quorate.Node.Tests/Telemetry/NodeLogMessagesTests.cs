using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Quorate.Node.Telemetry;

namespace Quorate.Node.Tests.Telemetry;

/// <summary>The tables in docs/operating list exactly the log messages and the instruments of a node.</summary>
public sealed partial class NodeLogMessagesTests
{
    [Fact]
    public void The_page_lists_every_log_message_with_its_id_level_and_text()
    {
        var documented = Row().Matches(ReadPage("logs.md"))
            .Select(m => (int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), m.Groups[2].Value, m.Groups[3].Value))
            .Where(row => row.Item1 is >= 1000 and <= 1999);
        var messages = typeof(NodeLogMessages).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .Select(message => (message.EventId, message.Level.ToString(), message.Message));

        Assert.Equal(messages.Order(), documented);
    }

    [Fact]
    public void The_page_lists_every_instrument()
    {
        var names = typeof(RaftMetricNames).GetFields(BindingFlags.Static | BindingFlags.Public)
            .Where(static field => !field.Name.EndsWith("Attribute", StringComparison.Ordinal))
            .Select(static field => (string)field.GetRawConstantValue()!);
        var documented = Instrument().Matches(ReadPage("metrics.md")).Select(static m => m.Groups[1].Value);

        Assert.Equal(names.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static string ReadPage(string name, [CallerFilePath] string path = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "..", "docs", "operating", name));

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| `(quorate\.raft\.[a-z_.]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Instrument();
}
