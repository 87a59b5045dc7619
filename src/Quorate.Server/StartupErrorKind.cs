namespace Quorate.Server;

/// <summary>The kinds of errors that prevent a server from starting.</summary>
public enum StartupErrorKind
{
    /// <summary>A flag or an environment variable is invalid. Nothing was started or changed.</summary>
    InvalidSettings = 1,

    /// <summary>The settings are valid, but a resource cannot be used: a port, a directory, a disk.</summary>
    Failed,

    /// <summary>A newer version has written the data directory. Nothing in it was changed.</summary>
    NewerData,
}
