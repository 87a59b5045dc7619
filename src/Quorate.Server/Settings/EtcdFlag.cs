namespace Quorate.Server.Settings;

/// <summary>Whether Quorate implements, ignores or rejects a flag.</summary>
internal enum FlagSupport
{
    /// <summary>The flag has the same effect as in etcd.</summary>
    Supported,

    /// <summary>The flag is Quorate's own; etcd rejects it.</summary>
    Extension,

    /// <summary>The flag has no effect: the server logs a warning and starts.</summary>
    Ignored,

    /// <summary>
    /// The server does not start if the flag has a value that changes etcd's default behaviour, because ignoring that value would be unsafe
    /// or would contradict its purpose.
    /// </summary>
    Rejected,
}

/// <summary>
/// A command-line flag, of etcd unless it is an extension, set by <c>--name value</c>, <c>--name=value</c>, or <c>ETCD_NAME</c> in the
/// environment.
/// </summary>
/// <param name="Name">The flag's name, without dashes.</param>
/// <param name="IsBoolean">Whether the flag is boolean: <c>--name</c> alone means true, and a value must follow an equals sign, as in Go's
/// flag package.</param>
/// <param name="Support">Whether Quorate implements, ignores or rejects the flag.</param>
/// <param name="Description">For a supported flag or an extension: its meaning, printed by <c>--help</c>. Otherwise: why the
/// flag is ignored or rejected.</param>
/// <param name="Default">The default value, printed by <c>--help</c>; empty if the flag has no default.</param>
internal sealed record EtcdFlag(string Name, bool IsBoolean, FlagSupport Support, string Description, string Default = "")
{
    /// <summary>The values of a rejected flag, besides the empty one and false, that leave etcd's default behaviour unchanged.</summary>
    public IReadOnlyList<string> HarmlessValues { get; init; } = [];

    /// <summary>The environment variable that sets the flag.</summary>
    public string EnvironmentVariable { get; } = "ETCD_" + Name.Replace('-', '_').ToUpperInvariant();
}
