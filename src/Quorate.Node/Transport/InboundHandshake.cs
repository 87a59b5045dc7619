using System.Net;
using System.Net.Sockets;
using Quorate.Node.Storage;

namespace Quorate.Node.Transport;

/// <summary>The listener's side of a handshake: validates the request, and serves the connection if it is accepted.</summary>
internal sealed class InboundHandshake(TransportContext context, PeerSet peers)
{
    /// <summary>
    /// Starts a thread for a connection of a peer; rejects any other connection. Does not block, and disposes the socket in any case.
    /// </summary>
    public void Start(Socket socket, IPEndPoint remote, HandshakeRequest request)
    {
        var rejection = Validate(request, out var peer);
        if (rejection != HandshakeRejection.None)
        {
            using (socket)
                Respond(socket, remote, request, rejection);
        }
        else if (!peer!.TryBeginHandshake())
        {
            using (socket)
                context.Events.ReportRejection(HandshakeRejection.TooManyHandshakes, request, remote.ToString());
        }
        else if (!context.TaskTracker.TryRunBlocking(() => Serve(socket, remote, request, peer)))
        {
            peer.EndHandshake();
            socket.Dispose();
        }
    }

    /// <summary>
    /// Validates a request, the most fundamental mismatch first: protocol version, cluster, receiver, unknown peer. The data directory is
    /// validated later, by the thread of the connection, because that may write to the disk.
    /// </summary>
    private HandshakeRejection Validate(in HandshakeRequest request, out Peer? peer)
    {
        peer = null;
        if (request.VersionMin > Handshake.VersionMax || request.VersionMax < Handshake.VersionMin)
            return HandshakeRejection.WrongVersion;
        if (request.ClusterId != context.Options.ClusterId)
            return HandshakeRejection.WrongCluster;
        if (request.To != context.Options.NodeId)
            return HandshakeRejection.WrongReceiver;
        peer = peers.Find(request.From);
        return peer is null ? HandshakeRejection.UnknownPeer : HandshakeRejection.None;
    }

    private void Serve(Socket socket, IPEndPoint remote, HandshakeRequest request, Peer peer)
    {
        using (socket)
        {
            try
            {
                if (!TryAccept(socket, remote, request, peer))
                    return;

                // The one place where an inbound socket becomes a stream; a TLS stream would wrap it here. No asynchronous operation may be
                // used on it: the runtime would poll the socket from then on, and every read would pass through its threads.
                using var stream = new NetworkStream(socket, ownsSocket: false);
                using var connection = new InboundConnection(context, peer, socket, stream);
                connection.Run();
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                // The peer disconnected before its handshake was complete, or this node stops.
            }
        }
    }

    private bool TryAccept(Socket socket, IPEndPoint remote, in HandshakeRequest request, Peer peer)
    {
        try
        {
            SocketErrors.Configure(socket, context.Options.UnacknowledgedTimeout);
            var rejection = context.Options.TryRecordDirectory(request.From, new DirectoryId(request.DirectoryId))
                ? HandshakeRejection.None
                : HandshakeRejection.DataDirectoryChanged;
            Respond(socket, remote, request, rejection);
            return rejection == HandshakeRejection.None;
        }
        finally
        {
            peer.EndHandshake();
        }
    }

    /// <summary>Sends the response, and reports a rejection. Does not block: the response fits into the empty send buffer.</summary>
    /// <remarks>
    /// Only a peer that was accepted receives the id of the data directory: whoever knows it can pose as this node to the others.
    /// </remarks>
    private void Respond(Socket socket, IPEndPoint remote, in HandshakeRequest request, HandshakeRejection rejection)
    {
        var (version, directory) = rejection == HandshakeRejection.None
            ? (Math.Min(request.VersionMax, Handshake.VersionMax), context.Options.DirectoryId)
            : ((ushort)0, DirectoryId.None);
        socket.Send(Handshake.Write(new HandshakeResponse(
            rejection, version, context.Options.ClusterId, context.Options.NodeId, Features: 0, directory.Value)));
        if (rejection == HandshakeRejection.None)
            return;
        context.Events.ReportRejection(rejection, request, remote.ToString());
        socket.Shutdown(SocketShutdown.Send);
    }
}
