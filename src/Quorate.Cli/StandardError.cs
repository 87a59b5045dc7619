using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Quorate.Server;

namespace Quorate.Cli;

/// <summary>Log and error output on stderr; stdout is reserved for data.</summary>
internal static class StandardError
{
    /// <summary>Creates the logger factory that writes to stderr.</summary>
    public static ILoggerFactory OpenLog() => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Warning);
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        });
    });

    /// <summary>Writes a startup error.</summary>
    public static void WriteError(StartupException failure) => Console.Error.WriteLine($"quorate: {failure.Message}");
}
