using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Messages for failed handshakes: the reason, and what to do.</summary>
internal static class HandshakeErrors
{
    private const string Remedy =
        "If its old data directory still exists, start it with that one. Otherwise the member is lost: " +
        "remove it from the cluster and add it again, as a member with another id.";

    /// <summary>Returns the message for the log of the node that was rejected.</summary>
    public static string ForDialer(
        HandshakeRejection rejection, in HandshakeRequest request, in HandshakeResponse response, PeerAddress address,
        Func<NodeId, string> nameOf)
    {
        var (self, peer, listener) = (nameOf(request.From), nameOf(request.To), nameOf(response.From));
        return rejection switch
        {
            HandshakeRejection.WrongCluster =>
                $"Node {peer} at {address} belongs to cluster {response.ClusterId:x}, "
                + $"this node {self} to cluster {request.ClusterId:x}. "
                + "One of the two was started with the configuration or the data of another cluster: "
                + "correct the peer addresses, or give this node the data of its own cluster.",
            HandshakeRejection.WrongReceiver =>
                $"Node {listener} listens at {address}, the configured address of node {peer}. "
                + $"Correct the address of node {peer} in the configuration.",
            HandshakeRejection.UnknownPeer =>
                $"Node {peer} at {address} does not know node {self} as a member of the cluster. "
                + "If this node was removed, stop it; if it is new, add it to the cluster; "
                + "if that node has not learned of the addition yet, no action is needed.",
            HandshakeRejection.MemberRemoved =>
                $"Node {peer} at {address} reports that this node {self} was removed from the cluster. Stop this node.",
            HandshakeRejection.WrongVersion =>
                $"Node {peer} at {address} supports none of the protocol versions {request.VersionMin} to {request.VersionMax} "
                + $"of this node {self}. That node has version {response.MemberVersion}, this one {request.MemberVersion}. "
                + "Upgrade the older of the two; a cluster accepts only builds that support its version.",
            HandshakeRejection.DataDirectoryChanged when response.Rejection == HandshakeRejection.DataDirectoryChanged =>
                $"Node {peer} at {address} knows this node {self} with another data directory than the present one: "
                + "the old one was emptied, lost or replaced, and with it the votes and the entries that this node had acknowledged. "
                + "This node must not vote again under its old id, so it is rejected. " + Remedy,
            HandshakeRejection.DataDirectoryChanged =>
                $"Node {peer} at {address} has another data directory than the one that this node {self} knows: "
                + "the old one was emptied, lost or replaced, and with it the votes and the entries that node had acknowledged. "
                + "Nothing is sent to it. " + Remedy,
            HandshakeRejection.SecretMissing when (request.Features & Handshake.PeerSecretFeature) != 0 =>
                $"Node {peer} at {address} has no peer secret, and this node {self} has one. Nothing is sent to it. "
                + "Start that node with the secret of the cluster.",
            HandshakeRejection.SecretMissing =>
                $"Node {peer} at {address} has a peer secret, and this node {self} has none. "
                + "Start this node with the secret of the cluster.",
            HandshakeRejection.WrongSecret =>
                $"Node {peer} at {address} and this node {self} do not share a key. "
                + "Give both the same secret; to replace a key, first add the new one to all members as the second.",
            _ => $"Node {peer} at {address} rejected this node for reason {(ushort)rejection}, "
                + "which this release does not know: see the log of that node.",
        };
    }

    /// <summary>Returns the message for the log of the node that rejected the connection.</summary>
    public static string ForListener(
        HandshakeRejection rejection, in HandshakeRequest request, TcpTransportOptions options, string from)
    {
        var (clusterId, selfId) = (options.ClusterId, options.NodeId);
        var (self, dialer, wanted) = (options.NameOf(selfId), options.NameOf(request.From), options.NameOf(request.To));
        return rejection switch
        {
            HandshakeRejection.WrongCluster =>
                $"Rejected node {dialer} from {from}: it belongs to cluster {request.ClusterId:x}, "
                + $"this node {self} to cluster {clusterId:x}. Correct the peer addresses of the node that is configured wrongly.",
            HandshakeRejection.WrongReceiver =>
                $"Rejected node {dialer} from {from}: it expects node {wanted} at this address, but this is node {self}. "
                + $"Correct the address of node {wanted} in the configuration of node {dialer}.",
            HandshakeRejection.UnknownPeer when request.From == selfId =>
                $"Rejected a connection from {from} that has the id {self} of this node. "
                + "Two nodes run with the same id: stop the wrong one at once.",
            HandshakeRejection.UnknownPeer =>
                $"Rejected node {dialer} from {from}: this node does not know it as a member. "
                + "If it was removed, stop it; if it is new, add it to the cluster.",
            HandshakeRejection.MemberRemoved =>
                $"Rejected node {dialer} from {from}: it was removed from the cluster. Stop it.",
            HandshakeRejection.WrongVersion =>
                $"Rejected node {dialer} from {from}: it supports protocol versions {request.VersionMin} to {request.VersionMax}, "
                + $"this node {Handshake.OldestFor(options.ClusterVersion())} to {Handshake.VersionMax}. "
                + $"That node has version {request.MemberVersion}, this one {options.Version}, the cluster {options.ClusterVersion()}. "
                + "Upgrade the older of the two nodes.",
            HandshakeRejection.DataDirectoryChanged when request.DirectoryId == 0 =>
                $"Rejected a connection from {from} that claims to be node {dialer}: it did not send the id of that node's data directory, "
                + "which every member sends. A program that is no member may pose as one: find it, and protect the peer port.",
            HandshakeRejection.DataDirectoryChanged =>
                $"Rejected node {dialer} from {from}: it has another data directory than the one that this node {self} knows. "
                + "The old one was emptied, lost or replaced, and with it the votes and the entries that node had acknowledged; "
                + "it must not vote again under its old id. " + Remedy,
            HandshakeRejection.SecretMissing when (request.Features & Handshake.PeerSecretFeature) != 0 =>
                $"Rejected node {dialer} from {from}: it has a peer secret, and this node {self} has none. "
                + "Start this node with the secret of the cluster.",
            HandshakeRejection.SecretMissing =>
                $"Rejected a connection from {from} that claims to be node {dialer}: this node {self} has a peer secret, "
                + "and that one has none. If it is a member, start it with the secret of the cluster; "
                + "otherwise a program that is no member poses as one.",
            HandshakeRejection.WrongSecret =>
                $"Rejected a connection from {from} that claims to be node {dialer}: it did not prove that it knows a key "
                + $"of this node {self}. If it is a member, give both the same secret; "
                + "otherwise a program that is no member poses as one.",
            HandshakeRejection.TimedOut =>
                $"Closed a connection from {from}: the handshake timed out. No Quorate node does this; look for a port scanner.",
            HandshakeRejection.TooManyHandshakes =>
                $"Closed a connection from {from}: too many handshakes are in progress. "
                + "Find the program that keeps opening connections to the peer port.",
            _ => $"Closed a connection from {from}: it did not send the handshake of a Quorate node. "
                + "The peer port is for peers; clients use the client port.",
        };
    }
}
