using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quorate.Load.Soak;

/// <summary>A client of the JSON gateway of one member. Threading: any thread.</summary>
internal sealed class JsonGateway(Uri endpoint) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = endpoint,
        Timeout = TimeSpan.FromSeconds(10),
    };

    /// <summary>Encodes a key or a value as the gateway expects it.</summary>
    public static string Base64(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes);

    /// <summary>Encodes a key or a value as the gateway expects it.</summary>
    public static string Base64(string text) => Base64(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends a request, and returns the response.</summary>
    /// <exception cref="GatewayException">The response is an error.</exception>
    /// <exception cref="HttpRequestException">The connection failed.</exception>
    public async Task<JsonNode> PostAsync(string path, JsonNode request, CancellationToken cancellationToken)
    {
        using var content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), content, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        return response.IsSuccessStatusCode ? JsonNode.Parse(body)! : throw new GatewayException(body);
    }

    /// <summary>Sends a request whose response is a stream, and calls <paramref name="onResponse"/> with each part of it.</summary>
    /// <exception cref="GatewayException">A part of the stream is an error.</exception>
    public async Task StreamAsync(string path, JsonNode request, Action<JsonElement> onResponse, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            using var part = JsonDocument.Parse(line);
            if (!part.RootElement.TryGetProperty("result", out var result))
                throw new GatewayException(line);
            onResponse(result);
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>The gateway has answered with an error.</summary>
internal sealed class GatewayException(string response) : Exception(response);
