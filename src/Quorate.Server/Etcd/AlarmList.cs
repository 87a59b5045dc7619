using Quorate.Node;
using Quorate.Node.Health;
using Quorate.Raft;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>The alarms of a cluster, as one member knows them. They follow from the state of the members, and end with it.</summary>
/// <remarks>
/// <code>
///   CORRUPT   the state of the member differs from that of a majority      known to every member
///   NOSPACE   the member rejects writes that take more space               known to the member itself, and to the leader
/// </code>
/// </remarks>
internal static class AlarmList
{
    /// <summary>Lists the alarms of one type, or all of them.</summary>
    public static IEnumerable<AlarmMember> Of(RaftStatus status, ClusterHealth health, AlarmType type = AlarmType.None)
    {
        foreach (var member in health.Members)
        {
            if (member.IsQuarantined && (type is AlarmType.None or AlarmType.Corrupt))
                yield return new AlarmMember { MemberID = member.NodeId.Value, Alarm = AlarmType.Corrupt };
            var isShort = member.NodeId == status.NodeId
                ? status.IsOnlySpaceFreed
                : member.Storage is StorageHealth.LowSpace or StorageHealth.Full;
            if (isShort && (type is AlarmType.None or AlarmType.Nospace))
                yield return new AlarmMember { MemberID = member.NodeId.Value, Alarm = AlarmType.Nospace };
        }
    }
}
