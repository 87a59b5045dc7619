using System.Net;
using DotNext.Buffers;
using DotNext.Net;
using DotNext.Net.Cluster.Consensus.Raft.Membership;

namespace Quorate.Load.Targets;

/// <summary>DotNext's list of members, known from the start and kept in memory; it asks its users to write this class.</summary>
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
