namespace Quorate.Server.Settings;

/// <summary>What becomes of one of etcd's flags here.</summary>
internal enum FlagSupport
{
    /// <summary>It does what it does in etcd.</summary>
    Supported,

    /// <summary>It changes nothing here, and to say so is enough: a warning.</summary>
    Ignored,

    /// <summary>To ignore it would be unsafe, or something else than what was asked for: the server does not start.</summary>
    Rejected,
}

/// <summary>One of etcd's flags: <c>--name value</c>, <c>--name=value</c>, or <c>ETCD_NAME</c> in the environment.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="IsBoolean">True or false: <c>--name</c> alone means true, and a value must follow an equals sign, as Go's flags have it.</param>
/// <param name="Support">What becomes of it.</param>
/// <param name="Description">For help: what it means. For the other fates: why it is ignored or refused.</param>
/// <param name="Default">Shown in help; empty for none.</param>
internal sealed record EtcdFlag(string Name, bool IsBoolean, FlagSupport Support, string Description, string Default = "")
{
    /// <summary>Its name in the environment.</summary>
    public string EnvironmentVariable { get; } = "ETCD_" + Name.Replace('-', '_').ToUpperInvariant();
}
