using Microsoft.Extensions.Logging;
using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>What a client causes is no error in the server's log.</summary>
public sealed class CallLogFilterTests
{
    private const string Framework = "Grpc.AspNetCore.Server.ServerCallHandler";

    public static TheoryData<Exception> OfClients =>
    [
        new IOException("The client reset the request stream."),
        new OperationCanceledException(),
        new InvalidOperationException("Writing is not allowed after writer was completed."),
        new InvalidDataException("Bad compression."),
        new ArgumentOutOfRangeException(),
    ];

    [Theory]
    [MemberData(nameof(OfClients))]
    public void An_exception_that_a_client_causes_is_a_debug_message(Exception exception) =>
        Assert.Equal(LogLevel.Debug, Log(Framework, exception));

    [Fact]
    public void Other_exceptions_and_messages_keep_their_level()
    {
        Assert.Equal(LogLevel.Error, Log(Framework, new NotSupportedException()));
        Assert.Equal(LogLevel.Error, Log(Framework, exception: null));
        Assert.Equal(LogLevel.Error, Log("quorate", new IOException()));
    }

    private static LogLevel Log(string category, Exception? exception)
    {
        using var recorder = new Recorder();
        using var filter = new CallLogFilter(recorder);
        filter.CreateLogger(category).Log(LogLevel.Error, default, "text", exception, static (text, _) => text);
        return Assert.Single(recorder.Levels);
    }

    private sealed class Recorder : ILoggerFactory, ILogger
    {
        public List<LogLevel> Levels { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull =>
            null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Levels.Add(logLevel);

        public void Dispose()
        {
        }
    }
}
