namespace Quorate.Server.Hosting;

/// <summary>The loggers of the gRPC framework and Kestrel, without errors that a client causes.</summary>
/// <remarks>
/// When a client resets a call while the framework reads its message, the framework logs an error with a stack trace, unless the token of
/// the call is cancelled first. It also logs one for a message that cannot be decompressed. Neither is an error of the server.
/// </remarks>
internal sealed class CallLogFilter(ILoggerFactory inner) : ILoggerFactory
{
    private const string FilteredCategory = "Grpc.AspNetCore.Server.ServerCallHandler";

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName)
    {
        var logger = inner.CreateLogger(categoryName);
        return categoryName == FilteredCategory ? new FilteredLogger(logger) : logger;
    }

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    /// <summary>Does nothing: the caller of the server owns the inner factory.</summary>
    public void Dispose()
    {
    }

    private sealed class FilteredLogger(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull =>
            inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not (OperationCanceledException or IOException or InvalidDataException))
                inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
