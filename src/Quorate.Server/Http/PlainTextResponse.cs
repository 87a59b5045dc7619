namespace Quorate.Server.Http;

/// <summary>Writes plain-text responses.</summary>
internal static class PlainTextResponse
{
    /// <summary>Writes a plain-text response.</summary>
    public static Task WriteAsync(HttpContext context, int httpStatus, string text)
    {
        context.Response.StatusCode = httpStatus;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
