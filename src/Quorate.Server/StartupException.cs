namespace Quorate.Server;

/// <summary>The server cannot do what it was asked, and says in three parts what, why, and what to do about it.</summary>
/// <remarks>Nothing has been lost or half done when this is thrown.</remarks>
internal sealed class StartupException(int exitCode, string what, string why, string remedy, Exception? inner = null)
    : Exception($"{what}\n  why: {why}\n  do:  {remedy}", inner)
{
    /// <summary>What the process should answer: see <see cref="Server.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>What cannot be.</summary>
    public string What { get; } = what;

    /// <summary>Why not.</summary>
    public string Why { get; } = why;

    /// <summary>What the person can do.</summary>
    public string Remedy { get; } = remedy;

    /// <summary>A mistake on the command line or in the environment.</summary>
    public static StartupException Usage(string what, string why, string remedy) => new(Server.ExitCode.Usage, what, why, remedy);

    /// <summary>The world does not let us: a port, a folder, a disk.</summary>
    public static StartupException Failed(string what, string why, string remedy, Exception? inner = null) =>
        new(Server.ExitCode.Failed, what, why, remedy, inner);
}
