using System.Buffers;
using System.Text;
using System.Text.Json;
using Grpc.Core;

namespace Quorate.Server.Http;

/// <summary>Writes the HTTP responses that are not gRPC messages; the only place that formats the body of an error.</summary>
/// <remarks>
/// <code>
///   gateway         HTTP status of the gRPC status   {"error":TEXT,"message":TEXT,"code":GRPC CODE}
///   gateway stream  200, already sent                {"error":{"grpc_code":…,"http_code":…,"message":TEXT}}, the last line
///   other paths     404, 405                         plain text; 404 below /v3/ is an error of the gateway
///   gRPC call       200                              no body; the status is in the headers (trailers-only)
/// </code>
/// Source: etcd's gRPC gateway; gRPC over HTTP/2, "Responses".
/// </remarks>
internal static class HttpResponses
{
    /// <summary>Writes a JSON object.</summary>
    /// <param name="context">The request.</param>
    /// <param name="httpStatus">The HTTP status.</param>
    /// <param name="write">Writes the properties of the object.</param>
    public static Task WriteJsonAsync(HttpContext context, int httpStatus, Action<Utf8JsonWriter> write) =>
        WriteJsonAsync(context, httpStatus, FormatObject(write));

    /// <summary>Writes JSON that is already formatted.</summary>
    public static Task WriteJsonAsync(HttpContext context, int httpStatus, string json)
    {
        context.Response.StatusCode = httpStatus;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }

    /// <summary>
    /// Writes the error of a JSON call in both of etcd's forms: up to 3.5 the text is in <c>error</c>, from 3.6 on in <c>message</c>;
    /// clients read either.
    /// </summary>
    public static Task WriteErrorAsync(HttpContext context, Status status) =>
        WriteJsonAsync(context, ToHttpStatus(status.StatusCode), json =>
        {
            json.WriteString("error"u8, status.Detail);
            json.WriteString("message"u8, status.Detail);
            json.WriteNumber("code"u8, (int)status.StatusCode);
        });

    /// <summary>Formats the error that ends a stream of JSON objects.</summary>
    public static string FormatStreamError(Status status) => FormatObject(json =>
    {
        json.WriteStartObject("error"u8);
        json.WriteNumber("grpc_code"u8, (int)status.StatusCode);
        json.WriteNumber("http_code"u8, ToHttpStatus(status.StatusCode));
        json.WriteString("message"u8, status.Detail);
        json.WriteEndObject();
    });

    /// <summary>Writes plain text.</summary>
    public static Task WriteTextAsync(HttpContext context, int httpStatus, string text)
    {
        context.Response.StatusCode = httpStatus;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>Rejects a method that a path does not support.</summary>
    public static Task WriteMethodNotAllowedAsync(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return WriteTextAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed\n");
    }

    /// <summary>Rejects a gRPC call with a trailers-only response, gRPC's form for calls that fail before the first message.</summary>
    public static void WriteGrpcError(HttpContext context, Status status)
    {
        var response = context.Response;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)status.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = PercentEncode(status.Detail);
    }

    /// <summary>Encodes what a header cannot contain, such as a path in an error text.</summary>
    /// <remarks>Source: gRPC over HTTP/2, "Status-Message".</remarks>
    private static string PercentEncode(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%', StringComparison.Ordinal))
            return text;
        var encoded = new StringBuilder();
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            if (octet is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
                encoded.Append((char)octet);
            else
                encoded.Append(System.Globalization.CultureInfo.InvariantCulture, $"%{octet:X2}");
        }

        return encoded.ToString();
    }

    /// <summary>Maps a gRPC status to an HTTP status, as etcd's gateway does.</summary>
    internal static int ToHttpStatus(StatusCode code) => code switch
    {
        StatusCode.OK => 200,
        StatusCode.InvalidArgument or StatusCode.OutOfRange => 400,
        StatusCode.Unauthenticated => 401,
        StatusCode.PermissionDenied => 403,
        StatusCode.NotFound => 404,
        StatusCode.Cancelled => 408,
        StatusCode.AlreadyExists or StatusCode.Aborted => 409,
        StatusCode.FailedPrecondition => 412,
        StatusCode.ResourceExhausted => 429,
        StatusCode.Unimplemented => 501,
        StatusCode.Unavailable => 503,
        StatusCode.DeadlineExceeded => 504,
        _ => 500,
    };

    private static string FormatObject(Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(body.WrittenSpan);
    }
}
