using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Quorate.Server;

namespace Quorate.Cli;

/// <summary>Log and error output on stderr; stdout is reserved for data.</summary>
internal static class StandardError
{
    /// <summary>Creates the logger factory that writes to stderr.</summary>
    /// <param name="minimum">The least severe level to log. The frameworks log nothing below Warning.</param>
    public static ILoggerFactory OpenLog(LogLevel minimum = LogLevel.Information) => LoggerFactory.Create(logging =>
    {
        var ofFrameworks = minimum > LogLevel.Warning ? minimum : LogLevel.Warning;
        logging.SetMinimumLevel(minimum);
        logging.AddFilter("Microsoft", ofFrameworks);
        logging.AddFilter("Grpc", ofFrameworks);
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
