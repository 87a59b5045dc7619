using Quorate.Server;

namespace Quorate.Cli;

/// <summary>The exit codes of the process, the same for every command. The page docs/operating/exit-codes.md lists them.</summary>
internal static class ExitCode
{
    /// <summary>Success.</summary>
    public const int Ok = 0;

    /// <summary>The command line or the environment is invalid. Nothing was started or changed.</summary>
    public const int Usage = 1;

    /// <summary>The command was valid and failed, at the start or later.</summary>
    public const int Failed = 2;

    /// <summary>No server responded, or the cluster has no leader.</summary>
    public const int Unreachable = 3;

    /// <summary>The command has found corruption in a file.</summary>
    public const int Corruption = 4;

    /// <summary>A newer version has written the data directory. Nothing in it was changed.</summary>
    public const int NewerData = 5;

    /// <summary>
    /// The cluster does not accept this member any more: it was removed, or has not its data directory. A restart cannot help.
    /// </summary>
    public const int MemberRemoved = 6;

    /// <summary>Ended by SIGINT (Ctrl+C) or SIGTERM before it was complete. A server that a signal stops is complete.</summary>
    public const int Interrupted = 130;

    /// <summary>Returns the exit code of a server that could not start.</summary>
    public static int Of(StartupErrorKind kind) => kind switch
    {
        StartupErrorKind.InvalidSettings => Usage,
        StartupErrorKind.Failed => Failed,
        StartupErrorKind.NewerData => NewerData,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no exit code is defined for this kind"),
    };
}
