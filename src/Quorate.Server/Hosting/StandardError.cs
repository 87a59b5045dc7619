using Microsoft.Extensions.Logging.Console;

namespace Quorate.Server.Hosting;

/// <summary>The log: lines on stderr, because stdout is for data.</summary>
internal static class StandardError
{
    /// <summary>Opens it.</summary>
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

    /// <summary>Says why nothing was done.</summary>
    public static void WriteError(StartupException failure) => Console.Error.WriteLine($"quorate: {failure.Message}");
}
