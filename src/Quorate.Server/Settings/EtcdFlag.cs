namespace Quorate.Server.Settings;

/// <summary>How Quorate treats one of etcd's flags.</summary>
internal enum FlagSupport
{
    /// <summary>The flag has the same effect as in etcd.</summary>
    Supported,

    /// <summary>The flag has no effect in Quorate and is safe to ignore: the server logs a warning and starts.</summary>
    Ignored,

    /// <summary>Ignoring the flag would be unsafe or would contradict its purpose: the server does not start.</summary>
    Rejected,
}

/// <summary>One of etcd's flags: <c>--name value</c>, <c>--name=value</c>, or <c>ETCD_NAME</c> in the environment.</summary>
/// <param name="Name">The flag's name, without dashes.</param>
/// <param name="IsBoolean">Whether the flag is boolean: <c>--name</c> alone means true, and a value must follow an equals sign, as for Go's
/// flags.</param>
/// <param name="Support">How Quorate treats the flag.</param>
/// <param name="Description">For a supported flag: its meaning, printed by <c>--help</c>. Otherwise: why the flag is ignored or
/// rejected.</param>
/// <param name="Default">The default value, printed by <c>--help</c>; empty for none.</param>
internal sealed record EtcdFlag(string Name, bool IsBoolean, FlagSupport Support, string Description, string Default = "")
{
    /// <summary>The environment variable that sets the flag.</summary>
    public string EnvironmentVariable { get; } = "ETCD_" + Name.Replace('-', '_').ToUpperInvariant();
}
