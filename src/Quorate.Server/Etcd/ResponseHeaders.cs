using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Makes the headers that answers begin with.</summary>
internal sealed class ResponseHeaders(ulong clusterId, ulong memberId, IRaftNode node)
{
    /// <summary>Who answers.</summary>
    public ulong MemberId { get; } = memberId;

    /// <summary>For an answer about keys.</summary>
    public ResponseHeader At(long revision) => new()
    {
        ClusterId = clusterId,
        MemberId = MemberId,
        Revision = revision,
        RaftTerm = node.Status.Term,
    };

    /// <summary>For an answer about members: it says no revision.</summary>
    public ResponseHeader WithoutRevision() => At(revision: 0);
}
