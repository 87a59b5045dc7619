namespace Quorate.Cli.Client;

/// <summary>A client command failed; the message states what failed, why, and what to do.</summary>
/// <param name="exitCode">The exit code of the command.</param>
/// <param name="message">The message.</param>
internal sealed class ClientException(int exitCode, string message) : Exception(message)
{
    /// <summary>The exit code of the command.</summary>
    public int ExitCode { get; } = exitCode;
}
