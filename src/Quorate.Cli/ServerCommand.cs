using System.Collections;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Quorate.Node;
using Quorate.Server;
using Quorate.Server.Hosting;
using Quorate.Server.Settings;

namespace Quorate.Cli;

/// <summary>The <c>quorate server</c> command: runs one member in the foreground until a signal stops it or it fails.</summary>
internal static class ServerCommand
{
    /// <summary>Parses the flags and runs the server.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            var flags = ParsedFlags.Parse(arguments, Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
                .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal));
            if (flags.HelpRequested)
            {
                ServerHelp.Write(Console.Out);
                return ExitCode.Ok;
            }

            if (flags.VersionRequested)
            {
                ServerHelp.WriteVersion(Console.Out);
                return ExitCode.Ok;
            }

            using var logs = StandardError.OpenLog(SettingsParser.ParseLogLevel(flags));
            var log = logs.CreateLogger("quorate");
            foreach (var warning in flags.Warnings)
                ServerLogMessages.SettingIgnored(log, warning);
            return await ServeAsync(SettingsParser.Parse(flags), logs, log).ConfigureAwait(false);
        }
        catch (StartupException failure)
        {
            StandardError.WriteError(failure);
            return ExitCode.Of(failure.Kind);
        }
    }

    private static async Task<int> ServeAsync(ServerSettings settings, ILoggerFactory logs, ILogger log)
    {
        using var signals = new StopSignals();

        // A member must outlive the terminal or the connection it was started from.
        using var onHangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            ServerLogMessages.HangUpIgnored(log);
        });

        QuorateServer server;
        try
        {
            server = await QuorateServer.StartAsync(settings, logs, signals.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (signals.Received.IsCompleted)
        {
            ServerLogMessages.Stopped(log);
            return ExitCode.Ok;
        }

        await Task.WhenAny(signals.Received, server.Completion).ConfigureAwait(false);
        if (server.Completion.IsFaulted)
        {
            // Exit at once, without draining: the member must not acknowledge anything after the failure, and a supervisor can restart it
            // only after it exits.
            var fault = server.Completion.Exception!.GetBaseException();
            if (fault is MemberRemovedException)
            {
                // The cluster has decided it, and nothing is wrong with this member: it answers the calls that it has, and then ends.
                ServerLogMessages.MemberRemoved(log, fault.Message);
                await DisposeRemovedAsync(server).ConfigureAwait(false);
                return ExitCode.MemberRemoved;
            }

            ServerLogMessages.Failed(log, fault.Message, fault);
            return ExitCode.Failed;
        }

        ServerLogMessages.Stopping(
            log,
            signals.Received.IsCompleted ? (await signals.Received.ConfigureAwait(false)).ToString() : "the Raft node has stopped");
        await server.DisposeAsync().ConfigureAwait(false);
        ServerLogMessages.Stopped(log);
        return ExitCode.Ok;
    }

    private static async Task DisposeRemovedAsync(QuorateServer server)
    {
        try
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }
        catch (MemberRemovedException)
        {
            // The background tasks of the server end with the exception of its node.
        }
    }
}
