namespace Quorate.Server.Http;

/// <summary>Answers in plain text.</summary>
internal static class PlainText
{
    /// <summary>Writes one.</summary>
    public static Task WriteAsync(HttpContext context, int httpStatus, string text)
    {
        context.Response.StatusCode = httpStatus;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
