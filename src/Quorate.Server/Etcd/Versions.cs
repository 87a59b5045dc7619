namespace Quorate.Server.Etcd;

/// <summary>The versions that clients are told. Many decide by them what they may ask.</summary>
internal static class Versions
{
    /// <summary>The etcd server whose API this is. kube-apiserver trusts watch progress from 3.5.13 on; Patroni takes /v3 from 3.4 on.</summary>
    public const string EtcdServer = "3.6.0";

    /// <summary>The etcd API that the whole cluster speaks.</summary>
    public const string EtcdCluster = "3.6.0";

    /// <summary>This build.</summary>
    public static string Quorate { get; } = typeof(Versions).Assembly.GetName().Version?.ToString(fieldCount: 3) ?? "0";
}
