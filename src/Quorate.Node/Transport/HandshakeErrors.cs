using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Why a handshake failed, in words that say what to do.</summary>
internal static class HandshakeErrors
{
    private const string Remedy =
        "If its old folder still exists, start it with that. If not, it counts as down: remove it from the cluster and add it anew, as a member with another id.";

    /// <summary>For the log of the node that was refused.</summary>
    public static string ForDialer(HandshakeRejection rejection, in HandshakeRequest request, in HandshakeResponse response, PeerAddress address) => rejection switch
    {
        HandshakeRejection.WrongCluster =>
            $"Node {request.To} at {address} belongs to cluster {response.ClusterId:x}, this node {request.From} to cluster {request.ClusterId:x}. "
            + "One of the two was started with another cluster's configuration or data: correct the peer addresses, or give this node the data of its own cluster.",
        HandshakeRejection.WrongReceiver =>
            $"At {address}, where node {request.To} should be, node {response.From} listens. Correct the address of node {request.To} in the configuration.",
        HandshakeRejection.UnknownPeer =>
            $"Node {request.To} at {address} does not know node {request.From} as a member of the cluster. If this node was removed, stop it; "
            + "if it is new, add it to the cluster; if the cluster has not heard of it yet, this passes by itself.",
        HandshakeRejection.WrongVersion =>
            $"Node {request.To} at {address} speaks none of the protocol versions {request.VersionMin} to {request.VersionMax} of this node. "
            + "Upgrade the older of the two; neighbouring releases always understand each other.",
        HandshakeRejection.DataDirectoryChanged when response.Rejection == HandshakeRejection.DataDirectoryChanged =>
            $"Node {request.To} at {address} has met this node {request.From} with another data folder than the one it has now: that was emptied, lost or replaced, and with it what this "
            + "node had voted and acknowledged. It must not vote again under its old id, so it is not let in. " + Remedy,
        HandshakeRejection.DataDirectoryChanged =>
            $"Node {request.To} at {address} answers with another data folder than the one it had when this node {request.From} met it: that was emptied, lost or replaced, and with it what it "
            + "had voted and acknowledged. Nothing is sent to it. " + Remedy,
        _ => $"Node {request.To} at {address} refused this node for reason {(ushort)rejection}, which only a later release can explain: see the log of that node.",
    };

    /// <summary>For the log of the node that refused.</summary>
    public static string ForListener(HandshakeRejection rejection, in HandshakeRequest request, ulong clusterId, NodeId self, string from) => rejection switch
    {
        HandshakeRejection.WrongCluster =>
            $"Refused node {request.From} from {from}: it belongs to cluster {request.ClusterId:x}, this node {self} to cluster {clusterId:x}. "
            + "Correct the peer addresses of whichever is wrong.",
        HandshakeRejection.WrongReceiver =>
            $"Refused node {request.From} from {from}: it takes this node for {request.To}, but this is {self}. Correct the address of node {request.To} over there.",
        HandshakeRejection.UnknownPeer when request.From == self =>
            $"Refused a connection from {from} that calls itself node {self}, as this node does. Two nodes run under one id: stop the wrong one at once.",
        HandshakeRejection.UnknownPeer =>
            $"Refused node {request.From} from {from}: it is not a member that this node knows. If it was removed, stop it; if it is new, add it to the cluster.",
        HandshakeRejection.WrongVersion =>
            $"Refused node {request.From} from {from}: it speaks protocol versions {request.VersionMin} to {request.VersionMax}, this node "
            + $"{Handshake.VersionMin} to {Handshake.VersionMax}. Upgrade the older of the two.",
        HandshakeRejection.DataDirectoryChanged =>
            $"Refused node {request.From} from {from}: it comes with another data folder than the one it had when this node {self} met it. That was emptied, lost or replaced, and with it what "
            + "it had voted and acknowledged; it must not vote again under its old id. " + Remedy,
        HandshakeRejection.TimedOut => $"Closed a connection from {from}: it did not complete its handshake in time. No Quorate node does this; look for a port scanner.",
        HandshakeRejection.TooManyHandshakes => $"Closed a connection from {from}: too many are in their handshake already. Look for what keeps opening connections to the peer port.",
        _ => $"Closed a connection from {from}: it did not speak like a Quorate node. The peer port is for peers; clients use the client port.",
    };
}
