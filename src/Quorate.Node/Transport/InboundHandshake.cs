using System.Net.Sockets;
using System.Security.Cryptography;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The listener's side of a handshake: validates what the dialer sends, and serves the connection if it is accepted.</summary>
internal sealed class InboundHandshake(TransportContext context, PeerSet peers)
{
    /// <summary>The most nodes that are sent the members at a time: each occupies a thread, for a second at most.</summary>
    private const int MembersAnswersMax = 4;

    private int _membersAnswers;

    /// <summary>
    /// Processes a request or a confirmation. Starts a thread for a connection of a peer and rejects any other. Returns false if a
    /// challenge was sent and the confirmation is expected now. Does not block.
    /// </summary>
    public bool OnReceived(PendingHandshake connection, byte[] message)
    {
        if (connection.Challenge is { } challenge)
        {
            if (CryptographicOperations.FixedTimeEquals(
                message, Handshake.WriteConfirmation(challenge.Key, challenge.RequestBytes, challenge.Bytes)))
            {
                Start(connection, challenge.Request, challenge.Peer);
            }
            else
            {
                Reject(connection, challenge.Request, HandshakeRejection.WrongSecret);
            }

            return true;
        }

        var request = Handshake.ParseRequest(message);
        if ((request.Features & Handshake.MembersFeature) != 0)
        {
            OnMembersRequest(connection, request, message);
            return true;
        }

        var rejection = Validate(request, message, out var peer, out var key);
        if (rejection != HandshakeRejection.None)
        {
            Reject(connection, request, rejection);
            return true;
        }

        if (key is null)
        {
            Start(connection, request, peer!);
            return true;
        }

        var bytes = Handshake.WriteChallenge(
            Response(request, HandshakeRejection.None, DirectoryId.None), key, message, RandomNumberGenerator.GetBytes(PeerKey.NonceBytes));
        connection.Socket.Send(bytes);
        connection.ExpectConfirmation(new HandshakeChallenge(peer!, request, message, bytes, key));
        return false;
    }

    /// <summary>
    /// Validates a request, the most fundamental mismatch first: protocol version, cluster, receiver, unknown peer, secret. The data
    /// directory is validated later, by the thread of the connection, because that may write to the disk.
    /// </summary>
    private HandshakeRejection Validate(in HandshakeRequest request, byte[] bytes, out Peer? peer, out PeerKey? key)
    {
        (peer, key) = (null, null);
        if (Handshake.Negotiate(context.OldestProtocol, request) == 0)
            return HandshakeRejection.WrongVersion;
        if (request.ClusterId != context.Options.ClusterId)
            return HandshakeRejection.WrongCluster;
        if (request.To != context.Options.NodeId)
            return HandshakeRejection.WrongReceiver;
        peer = peers.Find(request.From);
        if (peer is null)
            return context.Options.WasRemoved(request.From) ? HandshakeRejection.MemberRemoved : HandshakeRejection.UnknownPeer;
        return ValidateSecret(request, bytes, out key);
    }

    private HandshakeRejection ValidateSecret(in HandshakeRequest request, byte[] bytes, out PeerKey? key)
    {
        key = null;
        var hasSecret = (request.Features & Handshake.PeerSecretFeature) != 0;
        if (context.Options.Secret is not { } secret)
            return hasSecret ? HandshakeRejection.SecretMissing : HandshakeRejection.None;
        if (!hasSecret)
            return HandshakeRejection.SecretMissing;
        key = secret.Keys.FirstOrDefault(candidate => Handshake.VerifyRequest(bytes, candidate));
        return key is null ? HandshakeRejection.WrongSecret : HandshakeRejection.None;
    }

    /// <summary>Answers a node that wants to join. It needs no more than the secret, if there is one.</summary>
    private void OnMembersRequest(PendingHandshake connection, HandshakeRequest request, byte[] message)
    {
        var members = context.Options.CommittedConfiguration?.Invoke();
        var rejection = ValidateSecret(request, message, out var key);
        if (Handshake.Negotiate(context.OldestProtocol, request) == 0)
            rejection = HandshakeRejection.WrongVersion;
        else if (rejection == HandshakeRejection.None && members is not { Configuration.IsEmpty: false })
            rejection = HandshakeRejection.UnknownPeer;
        else if (rejection == HandshakeRejection.None && Interlocked.Increment(ref _membersAnswers) > MembersAnswersMax)
        {
            Interlocked.Decrement(ref _membersAnswers);
            rejection = HandshakeRejection.TooManyHandshakes;
        }

        if (rejection != HandshakeRejection.None)
        {
            Reject(connection, request, rejection);
        }
        else if (!context.TaskTracker.TryRunBlocking(() => AnswerMembers(connection, request, message, members!.Value, key)))
        {
            Interlocked.Decrement(ref _membersAnswers);
            connection.Socket.Dispose();
        }
    }

    /// <summary>Sends the answer on a thread of its own: it may be longer than what the send buffer holds.</summary>
    private void AnswerMembers(
        PendingHandshake connection, HandshakeRequest request, byte[] message, ConfigurationAt members, PeerKey? key)
    {
        using var socket = connection.Socket;
        try
        {
            socket.SendTimeout = (int)context.Options.HandshakeTimeout.TotalMilliseconds;
            var response = Handshake.Write(Response(request, HandshakeRejection.None, DirectoryId.None));
            socket.Send([.. response, .. MembersRequest.WriteAnswer(members, key, message, response)]);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            // The node that wants to join tries again.
        }
        finally
        {
            Interlocked.Decrement(ref _membersAnswers);
        }
    }

    private void Start(PendingHandshake connection, HandshakeRequest request, Peer peer)
    {
        if (!peer.TryBeginHandshake())
        {
            using (connection.Socket)
                context.Events.ReportRejection(HandshakeRejection.TooManyHandshakes, request, connection.Remote.ToString());
        }
        else if (!context.TaskTracker.TryRunBlocking(() => Serve(connection, request, peer)))
        {
            peer.EndHandshake();
            connection.Socket.Dispose();
        }
    }

    private void Serve(PendingHandshake connection, HandshakeRequest request, Peer peer)
    {
        using var socket = connection.Socket;
        try
        {
            if (!TryAccept(connection, request, peer))
                return;

            // The one place where an inbound socket becomes a stream; a TLS stream would wrap it here. No asynchronous operation may be
            // used on it: the runtime would poll the socket from then on, and every read would pass through its threads.
            using var stream = new NetworkStream(socket, ownsSocket: false);
            using var authenticator = connection.Challenge is { } challenge
                ? challenge.Key.DeriveFrameKey(challenge.RequestBytes, challenge.Bytes)
                : null;
            using var inbound = new InboundConnection(context, peer, socket, stream, authenticator);
            inbound.Run();
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            // The peer disconnected before its handshake was complete, or this node stops.
        }
    }

    private bool TryAccept(PendingHandshake connection, in HandshakeRequest request, Peer peer)
    {
        try
        {
            SocketErrors.Configure(connection.Socket, context.Options.UnacknowledgedTimeout);
            if (!context.Options.TryRecordDirectory(request.From, new DirectoryId(request.DirectoryId)))
            {
                Reject(connection, request, HandshakeRejection.DataDirectoryChanged);
                return false;
            }

            peer.Version = request.MemberVersion;
            Send(connection, Response(request, HandshakeRejection.None, context.Options.DirectoryId));
            return true;
        }
        finally
        {
            peer.EndHandshake();
        }
    }

    /// <summary>Sends the reason and closes the connection.</summary>
    private void Reject(PendingHandshake connection, in HandshakeRequest request, HandshakeRejection rejection)
    {
        using var socket = connection.Socket;
        Send(connection, Response(request, rejection, DirectoryId.None));
        context.Events.ReportRejection(rejection, request, connection.Remote.ToString());
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Sends the response that ends the handshake. Does not block: it fits into the empty send buffer.</summary>
    private static void Send(PendingHandshake connection, in HandshakeResponse response) => connection.Socket.Send(
        connection.Challenge is { } challenge
            ? Handshake.WriteVerdict(response, challenge.Key, challenge.RequestBytes, challenge.Bytes)
            : Handshake.Write(response));

    /// <summary>
    /// Only a peer that was accepted receives the id of the data directory: a program that knows it can pose as this node.
    /// </summary>
    private HandshakeResponse Response(in HandshakeRequest request, HandshakeRejection rejection, DirectoryId directory) => new(
        rejection,
        rejection == HandshakeRejection.None ? Handshake.Negotiate(Handshake.VersionMin, request) : (ushort)0,
        context.Options.ClusterId,
        context.Options.NodeId,
        context.Options.Secret is null ? 0 : Handshake.PeerSecretFeature,
        directory.Value,
        context.Options.Version);
}
