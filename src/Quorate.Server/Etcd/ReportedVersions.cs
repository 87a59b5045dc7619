namespace Quorate.Server.Etcd;

/// <summary>The versions reported to clients. Many clients choose by them which features to use.</summary>
internal static class ReportedVersions
{
    /// <summary>
    /// The etcd server version whose API is served. kube-apiserver relies on watch progress from 3.5.13 on; Patroni uses /v3 from 3.4 on.
    /// </summary>
    public const string EtcdServer = "3.6.0";

    /// <summary>The etcd cluster version: the API version that all members support.</summary>
    public const string EtcdCluster = "3.6.0";

    /// <summary>The version of this build of Quorate.</summary>
    public static string Quorate { get; } = typeof(ReportedVersions).Assembly.GetName().Version?.ToString(fieldCount: 3) ?? "0";
}
