using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Quorate.Raft;

namespace Quorate.Server.Settings;

/// <summary>The ids that etcd gives to a cluster and its first members: every member works them out alike from the same flags.</summary>
/// <remarks>Source: etcd's published rule. A lone member at http://localhost:2380 with the token etcd-cluster is 8e9e05c52164694d.</remarks>
internal static class ClusterIds
{
    /// <summary>The first eight bytes, big-endian, of SHA-1 over the sorted peer URLs followed by the token.</summary>
    public static NodeId ComputeMemberId(IEnumerable<string> peerUrls, string token) =>
        new(FirstEightBytes(Encoding.UTF8.GetBytes(string.Concat(peerUrls.Order(StringComparer.Ordinal)) + token)));

    /// <summary>The same over the members' ids in order, eight bytes each.</summary>
    public static ulong ComputeClusterId(IEnumerable<NodeId> members)
    {
        var ids = members.Order().ToArray();
        var bytes = new byte[8 * ids.Length];
        for (var i = 0; i < ids.Length; i++)
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8 * i), ids[i].Value);
        return FirstEightBytes(bytes);
    }

    private static ulong FirstEightBytes(byte[] bytes)
    {
#pragma warning disable CA5350 // A name, not a secret: SHA-1 is what etcd makes the same ids with.
        return BinaryPrimitives.ReadUInt64BigEndian(SHA1.HashData(bytes));
#pragma warning restore CA5350
    }
}
