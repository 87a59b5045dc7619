using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Why a handshake failed, in words that say what to do.</summary>
internal static class RefusalText
{
    private const string WhatToDo =
        "If its old folder still exists, start it with that. If not, it counts as down: remove it from the cluster and add it anew, as a member with another id.";

    /// <summary>For the log of the node that was refused.</summary>
    public static string ForDialer(HandshakeRefusal refusal, in Hello hello, in Answer answer, PeerAddress address) => refusal switch
    {
        HandshakeRefusal.WrongCluster =>
            $"Node {hello.To} at {address} belongs to cluster {answer.ClusterId:x}, this node {hello.From} to cluster {hello.ClusterId:x}. "
            + "One of the two was started with another cluster's configuration or data: correct the peer addresses, or give this node the data of its own cluster.",
        HandshakeRefusal.WrongReceiver =>
            $"At {address}, where node {hello.To} should be, node {answer.From} listens. Correct the address of node {hello.To} in the configuration.",
        HandshakeRefusal.UnknownPeer =>
            $"Node {hello.To} at {address} does not know node {hello.From} as a member of the cluster. If this node was removed, stop it; "
            + "if it is new, add it to the cluster; if the cluster has not heard of it yet, this passes by itself.",
        HandshakeRefusal.WrongVersion =>
            $"Node {hello.To} at {address} speaks none of the protocol versions {hello.VersionMin} to {hello.VersionMax} of this node. "
            + "Upgrade the older of the two; neighbouring releases always understand each other.",
        HandshakeRefusal.AnotherFolder when answer.Refusal == HandshakeRefusal.AnotherFolder =>
            $"Node {hello.To} at {address} has met this node {hello.From} with another data folder than the one it has now: that was emptied, lost or replaced, and with it what this "
            + "node had voted and acknowledged. It must not vote again under its old id, so it is not let in. " + WhatToDo,
        HandshakeRefusal.AnotherFolder =>
            $"Node {hello.To} at {address} answers with another data folder than the one it had when this node {hello.From} met it: that was emptied, lost or replaced, and with it what it "
            + "had voted and acknowledged. Nothing is sent to it. " + WhatToDo,
        _ => $"Node {hello.To} at {address} refused this node for reason {(ushort)refusal}, which only a later release can explain: see the log of that node.",
    };

    /// <summary>For the log of the node that refused.</summary>
    public static string ForListener(HandshakeRefusal refusal, in Hello hello, ulong clusterId, NodeId self, string from) => refusal switch
    {
        HandshakeRefusal.WrongCluster =>
            $"Refused node {hello.From} from {from}: it belongs to cluster {hello.ClusterId:x}, this node {self} to cluster {clusterId:x}. "
            + "Correct the peer addresses of whichever is wrong.",
        HandshakeRefusal.WrongReceiver =>
            $"Refused node {hello.From} from {from}: it takes this node for {hello.To}, but this is {self}. Correct the address of node {hello.To} over there.",
        HandshakeRefusal.UnknownPeer when hello.From == self =>
            $"Refused a connection from {from} that calls itself node {self}, as this node does. Two nodes run under one id: stop the wrong one at once.",
        HandshakeRefusal.UnknownPeer =>
            $"Refused node {hello.From} from {from}: it is not a member that this node knows. If it was removed, stop it; if it is new, add it to the cluster.",
        HandshakeRefusal.WrongVersion =>
            $"Refused node {hello.From} from {from}: it speaks protocol versions {hello.VersionMin} to {hello.VersionMax}, this node "
            + $"{Handshake.VersionMin} to {Handshake.VersionMax}. Upgrade the older of the two.",
        HandshakeRefusal.AnotherFolder =>
            $"Refused node {hello.From} from {from}: it comes with another data folder than the one it had when this node {self} met it. That was emptied, lost or replaced, and with it what "
            + "it had voted and acknowledged; it must not vote again under its old id. " + WhatToDo,
        HandshakeRefusal.TooSlow => $"Closed a connection from {from}: it did not complete its handshake in time. No Quorate node does this; look for a port scanner.",
        HandshakeRefusal.TooMany => $"Closed a connection from {from}: too many are in their handshake already. Look for what keeps opening connections to the peer port.",
        _ => $"Closed a connection from {from}: it did not speak like a Quorate node. The peer port is for peers; clients use the client port.",
    };
}
