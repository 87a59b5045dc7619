namespace Quorate.Server.Hosting;

/// <summary>The loggers of the gRPC framework and Kestrel, without errors that a client causes.</summary>
/// <remarks>
/// When a client resets a call, or its deadline passes, while the framework reads the request or writes the response, the framework logs an
/// error with a stack trace, unless the token of the call is cancelled first. It also logs one for a message that cannot be decompressed.
/// These are no errors of the server and become debug messages. Exceptions of the services themselves never reach the framework: see
/// <see cref="Etcd.GrpcServiceMethodProvider{TService}"/>.
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

        /// <summary>Whether the exception is one of a read or a write on a call that has ended, or of a malformed message.</summary>
        /// <remarks>
        /// A pipe that is completed while a response is written gives the serializer no memory, hence the last two types.
        /// </remarks>
        private static bool IsOfClient(Exception? exception) => exception is OperationCanceledException or IOException
            or InvalidDataException or InvalidOperationException or IndexOutOfRangeException or ArgumentOutOfRangeException;

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            inner.Log(IsOfClient(exception) ? LogLevel.Debug : logLevel, eventId, state, exception, formatter);
        }
    }
}
