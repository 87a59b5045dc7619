using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>The server's log messages and their table in docs/operating/logs.md agree.</summary>
public sealed partial class ServerLogMessagesTests
{
    [Fact]
    public async Task The_page_lists_every_message_with_its_id_level_and_text()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(ServerFixture.RepositoryRoot, "docs/operating/logs.md"));
        var documented = Row().Matches(page)
            .Select(m => (int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), m.Groups[2].Value, m.Groups[3].Value))
            .Where(row => row.Item1 is >= 2000 and <= 2999);

        Assert.Equal(Messages().Select(m => (m.EventId, m.Level.ToString(), m.Message)).Order(), documented);
    }

    [Fact]
    public void Event_ids_are_unique_and_between_2000_and_2999()
    {
        var ids = Messages().Select(m => m.EventId).ToArray();

        Assert.All(ids, id => Assert.InRange(id, 2000, 2999));
        Assert.Equal(ids.Distinct().Count(), ids.Length);
    }

    private static IEnumerable<LoggerMessageAttribute> Messages() => typeof(ServerLogMessages)
        .GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
        .OfType<LoggerMessageAttribute>();

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
