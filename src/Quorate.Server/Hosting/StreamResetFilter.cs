using Microsoft.AspNetCore.Connections;

namespace Quorate.Server.Hosting;

/// <summary>
/// Middleware before all others: ends a request that its client has reset already, and counts it with those reset soon after their start.
/// </summary>
internal static class StreamResetFilter
{
    /// <summary>
    /// A request reset later than this was wanted for a while: a client that gives up on many calls at once, because their deadlines have
    /// passed, keeps its connection.
    /// </summary>
    private const long SoonMs = 100;

    /// <summary>Passes a request on, unless it has been reset.</summary>
    public static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            Count(context);
            return Task.CompletedTask;
        }

        var started = Environment.TickCount64;
        var call = next(context);
        if (!call.IsCompletedSuccessfully)
            return AwaitAsync(call, context, started);
        if (context.RequestAborted.IsCancellationRequested)
            Count(context);
        return Task.CompletedTask;
    }

    private static async Task AwaitAsync(Task call, HttpContext context, long started)
    {
        try
        {
            await call.ConfigureAwait(false);
        }
        finally
        {
            if (context.RequestAborted.IsCancellationRequested && Environment.TickCount64 - started < SoonMs)
                Count(context);
        }
    }

    private static void Count(HttpContext context)
    {
        if (context.Features.Get<CountedConnection>() is { } connection && connection.Resets.Add())
            connection.Abort(new ConnectionAbortedException("the client resets its requests as fast as it opens them"));
    }
}
