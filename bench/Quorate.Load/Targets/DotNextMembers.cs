using System.Net;
using DotNext.Buffers;
using DotNext.Net;
using DotNext.Net.Cluster.Consensus.Raft.Membership;

namespace Quorate.Load.Targets;

/// <summary>The fixed member list of the DotNext cluster, kept in memory. DotNext requires its users to implement this class.</summary>
internal sealed class DotNextMembers : InMemoryClusterConfigurationStorage<EndPoint>
{
    public DotNextMembers(IEnumerable<EndPoint> members)
    {
        var builder = CreateInitialConfigurationBuilder();
        foreach (var member in members)
        {
            builder.Add(member);
        }

        builder.Build();
    }

    protected override void Encode(EndPoint address, ref BufferWriterSlim<byte> writer) => writer.WriteEndPoint(address);

    protected override EndPoint Decode(ref SequenceReader reader) => reader.ReadEndPoint();
}
