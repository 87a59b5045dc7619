namespace Quorate.Server;

/// <summary>What the process answers to whoever started it; the same for every verb.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>The command line or the environment asks for something that cannot be: nothing was started, nothing was touched.</summary>
    public const int Usage = 1;

    /// <summary>It was asked for rightly, and failed.</summary>
    public const int Failed = 2;

    /// <summary>No server answered, or the cluster has no leader.</summary>
    public const int Unreachable = 3;

    /// <summary>No answer in time: whether it happened is not known.</summary>
    public const int Indeterminate = 4;

    /// <summary>Ended by ^C.</summary>
    public const int Interrupted = 130;
}
