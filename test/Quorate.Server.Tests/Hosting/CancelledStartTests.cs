using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>A member that is stopped while it starts ends without an error: an operator may change their mind.</summary>
public sealed class CancelledStartTests
{
    [Fact]
    public async Task A_start_that_is_cancelled_logs_no_error_and_leaves_a_usable_data_directory()
    {
        var directory = Directory.CreateTempSubdirectory("quorate-test-").FullName;
        try
        {
            string[] flags =
            [
                $"--data-dir={Path.Combine(directory, "data")}", "--listen-client-urls=http://127.0.0.1:0",
                "--advertise-client-urls=http://127.0.0.1:0", "--listen-peer-urls=http://127.0.0.1:0",
                "--initial-advertise-peer-urls=http://127.0.0.1:0", "--initial-cluster=default=http://127.0.0.1:0",
            ];
            using var cancellation = new CancellationTokenSource();
            using var logs = new CancellingLogs(cancellation);

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => QuorateServer.StartAsync(flags, logs, cancellation.Token));
            Assert.True(cancellation.IsCancellationRequested);
            Assert.DoesNotContain(logs.Messages, static message => message.Level >= LogLevel.Error);

            await using var server = await QuorateServer.StartAsync(flags);
            Assert.NotEmpty(server.ClientUrls);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Cancels the start when the Raft node has started and the HTTP host is about to: the host then reports an error.</summary>
    private sealed class CancellingLogs(CancellationTokenSource cancellation) : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<(LogLevel Level, string Text)> Messages { get; } = new();

        public ILogger CreateLogger(string categoryName)
        {
            // The first logger of the service that binds the sockets, created when the host is already starting.
            if (categoryName == "Microsoft.AspNetCore.Hosting.Diagnostics")
                cancellation.Cancel();
            return this;
        }

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Messages.Enqueue((logLevel, formatter(state, exception)));

        public void Dispose()
        {
        }
    }
}
