using System.Net;
using Grpc.Core;
using Quorate.Server.Settings;

namespace Quorate.Server.Http;

/// <summary>Refuses requests that a foreign web page sends through the browser of a user who can reach the server.</summary>
/// <remarks>
/// The server does not authenticate clients yet, so any process that can open a connection may write, also a browser that shows a page:
/// <code>
///   page                         what it sends                                 what gives it away
///   http://other.example         POST with text/plain, without a preflight     Origin is another than Host
///   http://other.example, whose  any request, of the page's own origin         Host is a name that is not this server's
///     name then leads here         (DNS rebinding, CVE-2018-5702)
/// </code>
/// A name is the server's own if it is an IP address, a name without a dot, <c>localhost</c>, the machine's name, or the host of an
/// advertised client URL: for none of these can an attacker publish an address. A request without the headers of a browser is not refused,
/// whatever its Host; except that of a simple form (<c>text/plain</c>, <c>multipart/form-data</c>), which old browsers send without Origin.
/// <c>--cors</c> allows further origins, <c>--host-whitelist</c> replaces the rule for names, then for every request, as in etcd.
/// Source: Fetch standard, "CORS-safelisted request-header"; etcd, <c>--cors</c> and <c>--host-whitelist</c>.
/// </remarks>
internal sealed class WebAccessFilter
{
    private readonly WebAccess _access;
    private readonly HashSet<string> _ownNames;
    private readonly bool _anyOrigin;
    private readonly bool _anyHost;

    public WebAccessFilter(WebAccess access, IEnumerable<string> clientUrls)
    {
        _access = access;
        _anyOrigin = access.Origins.Contains(WebAccess.Any);
        _anyHost = access.Hosts.Contains(WebAccess.Any);
        _ownNames = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { Environment.MachineName };
        foreach (var url in clientUrls)
        {
            if (Uri.TryCreate(url, UriKind.Absolute, out var uri))
                _ownNames.Add(uri.Host);
        }
    }

    /// <summary>Passes a request on, answers it if it asks what is allowed (OPTIONS), or refuses it.</summary>
    public Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        var host = request.Host.Host;
        if (_access.Hosts.Count > 0 && !_anyHost && !_access.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase))
            return RefuseHostAsync(context, host);

        var origin = request.Headers.Origin.ToString();
        if (_anyOrigin || (origin.Length > 0 && _access.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase)))
            AddCorsHeaders(context.Response, _anyOrigin ? WebAccess.Any : origin);
        else if (origin.Length > 0 && !IsOriginOf(origin, request.Host))
            return RefuseOriginAsync(context, origin);
        else if (IsPossiblyOfPage(request, origin) && !IsOwnName(host))
            return RefuseHostAsync(context, host);

        return HttpMethods.IsOptions(request.Method) ? Task.CompletedTask : next(context);
    }

    // The headers are etcd's.
    private static void AddCorsHeaders(HttpResponse response, string origin)
    {
        response.Headers.AccessControlAllowMethods = "POST, GET, OPTIONS, PUT, DELETE";
        response.Headers.AccessControlAllowOrigin = origin;
        response.Headers.AccessControlAllowHeaders = "accept, content-type, authorization";
    }

    private static bool IsOriginOf(string origin, HostString host)
    {
        var authority = origin.IndexOf("://", StringComparison.Ordinal) is >= 0 and var at ? origin[(at + 3)..] : "";
        return authority.Equals(host.Value, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a page may have sent the request. Browsers add Sec-Fetch-Site to what has no Origin.</summary>
    private static bool IsPossiblyOfPage(HttpRequest request, string origin) =>
        origin.Length > 0
        || request.Headers.ContainsKey("Sec-Fetch-Site")
        || (request.ContentType is { } type && (
            type.StartsWith("text/plain", StringComparison.OrdinalIgnoreCase)
            || type.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase)));

    private bool IsOwnName(string host) =>
        _anyHost
        || _access.Hosts.Count > 0 // Checked before.
        || !host.Contains('.', StringComparison.Ordinal)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host, out _)
        || _ownNames.Contains(host);

    private static Task RefuseOriginAsync(HttpContext context, string origin) => HttpResponses.WriteErrorAsync(
        context,
        new Status(
            StatusCode.PermissionDenied,
            $"quorate: a web page of {origin} sent this request, and pages of other origins are refused; "
            + "if the page is yours, start the server with --cors=" + origin));

    private static Task RefuseHostAsync(HttpContext context, string host) => HttpResponses.WriteTextAsync(
        context, StatusCodes.Status421MisdirectedRequest,
        $"The host name \"{host}\" in the request is not known to be of this server. The request was refused, because a web page could "
        + "have sent it after pointing that name at this address (DNS rebinding, CVE-2018-5702).\n"
        + $"If clients use that name for this server, start it with --host-whitelist={host}\n");
}
