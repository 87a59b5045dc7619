using Quorate.Kv;
using Quorate.Node;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Creates the headers of responses.</summary>
internal sealed class ResponseHeaderFactory(ulong clusterId, ulong memberId, IRaftNode<KvResult> node)
{
    /// <summary>The id of this member.</summary>
    public ulong MemberId { get; } = memberId;

    /// <summary>Creates the header of a response about keys.</summary>
    public ResponseHeader At(long revision) => new()
    {
        ClusterId = clusterId,
        MemberId = MemberId,
        Revision = revision,
        RaftTerm = node.Status.Term.Value,
    };

    /// <summary>Creates the header of a response that has no revision, such as the member list.</summary>
    public ResponseHeader WithoutRevision() => At(revision: 0);
}
