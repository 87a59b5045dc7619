namespace Quorate.Server;

/// <summary>The server cannot start. The message has three parts: what failed, why, and what to do.</summary>
/// <remarks>No data is lost, and no partially written state is left, when this exception is thrown.</remarks>
public sealed class StartupException : Exception
{
    private StartupException(StartupErrorKind kind, string what, string why, string remedy, Exception? inner = null)
        : base($"{what}\n  why: {why}\n  do:  {remedy}", inner)
    {
        Kind = kind;
        What = what;
        Why = why;
        Remedy = remedy;
    }

    /// <summary>Whether the settings are invalid or a resource cannot be used.</summary>
    public StartupErrorKind Kind { get; }

    /// <summary>What failed.</summary>
    public string What { get; }

    /// <summary>Why it failed.</summary>
    public string Why { get; }

    /// <summary>What the operator can do.</summary>
    public string Remedy { get; }

    /// <summary>Creates the exception for an error on the command line or in the environment.</summary>
    internal static StartupException Usage(string what, string why, string remedy) =>
        new(StartupErrorKind.InvalidSettings, what, why, remedy);

    /// <summary>Creates the exception for a resource that cannot be used: a port, a directory, a disk.</summary>
    internal static StartupException Failed(string what, string why, string remedy, Exception? inner = null) =>
        new(StartupErrorKind.Failed, what, why, remedy, inner);

    /// <summary>Creates the exception for a data directory of a newer version, in which nothing was changed.</summary>
    internal static StartupException NewerData(string what, string why, string remedy, Exception inner) =>
        new(StartupErrorKind.NewerData, what, why, remedy, inner);
}
