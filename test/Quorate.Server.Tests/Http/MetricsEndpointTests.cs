using System.Text.RegularExpressions;

namespace Quorate.Server.Tests.Http;

/// <summary><c>/metrics</c> and its page in the documentation agree.</summary>
public sealed partial class MetricsEndpointTests
{
    [Fact]
    public async Task Metrics_have_the_names_of_their_page_in_Prometheus_format()
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await server.Http.GetAsync(new Uri("/metrics", UriKind.Relative));
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Matches(Format(), text);
        Assert.Contains("\netcd_server_has_leader 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_is_leader 1\n", text, StringComparison.Ordinal);
        var page = await File.ReadAllTextAsync(Path.Combine(ServerFixture.RepositoryRoot, "docs/operating/metrics.md"));
        Assert.Equal(
            DocumentedName().Matches(page).Select(m => m.Groups[1].Value).Order(),
            SampleName().Matches(text).Select(m => m.Groups[1].Value).Order());
    }

    [GeneratedRegex(@"\A(# HELP (\S+) .+\n# TYPE \2 gauge\n\2 \d+\n)+\z")]
    private static partial Regex Format();

    [GeneratedRegex(@"^(\w+) \d+$", RegexOptions.Multiline)]
    private static partial Regex SampleName();

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex DocumentedName();
}
