using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Quorate.Raft;

namespace Quorate.Server.Settings;

/// <summary>Computes etcd's ids of a cluster and its initial members: every member derives the same ids from the same flags.</summary>
/// <remarks>
/// Source: etcd's published rule. A single member at http://localhost:2380 with the token etcd-cluster has the id 8e9e05c52164694d.
/// </remarks>
internal static class EtcdIdCalculator
{
    /// <summary>
    /// Returns a member's id: the first eight bytes, big-endian, of SHA-1 over its sorted peer URLs followed by the cluster token.
    /// </summary>
    public static NodeId ComputeMemberId(IEnumerable<string> peerUrls, string token) =>
        new(FirstEightBytes(Encoding.UTF8.GetBytes(string.Concat(peerUrls.Order(StringComparer.Ordinal)) + token)));

    /// <summary>Returns the id of a member that is added to a running cluster: the same hash, over the cluster and the time too.</summary>
    /// <remarks>An id is never used again, so a member that is added again at the same URL has another one. It is never 0.</remarks>
    public static NodeId ComputeAddedMemberId(IEnumerable<string> peerUrls, string token, ulong clusterId, DateTimeOffset time)
    {
        var urls = string.Concat(peerUrls.Order(StringComparer.Ordinal));
        for (var ticks = time.UtcTicks; ; ticks++)
        {
            if (FirstEightBytes(Encoding.UTF8.GetBytes($"{urls}{token}{clusterId:x16}{ticks:x16}")) is not 0 and var id)
                return new NodeId(id);
        }
    }

    /// <summary>Returns the cluster's id: the same hash over the members' ids in ascending order, eight bytes each, big-endian.</summary>
    /// <param name="members">The ids of the members.</param>
    /// <param name="restoredFrom">
    /// The id of the backup that the cluster was restored from, which follows the members' ids; null for none. It distinguishes a restored
    /// cluster from the one that the backup was taken of, and from members that were started empty with the same flags.
    /// </param>
    public static ulong ComputeClusterId(IEnumerable<NodeId> members, ulong? restoredFrom = null)
    {
        ulong[] parts = [.. members.Order().Select(static m => m.Value), .. restoredFrom is { } backup ? [backup] : Array.Empty<ulong>()];
        var bytes = new byte[8 * parts.Length];
        for (var i = 0; i < parts.Length; i++)
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8 * i), parts[i]);
        return FirstEightBytes(bytes);
    }

    private static ulong FirstEightBytes(byte[] bytes)
    {
#pragma warning disable CA5350 // The hash names a member and protects nothing; etcd computes the same ids with SHA-1.
        return BinaryPrimitives.ReadUInt64BigEndian(SHA1.HashData(bytes));
#pragma warning restore CA5350
    }
}
