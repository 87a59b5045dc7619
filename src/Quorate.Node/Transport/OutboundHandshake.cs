using System.Security.Cryptography;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The dialer's side of a handshake.</summary>
internal sealed class OutboundHandshake(TransportContext context, Peer peer)
{
    private readonly HandshakeRequest _request = new(
        context.OldestProtocol, Handshake.VersionMax, context.Options.ClusterId, context.Options.NodeId, peer.Id,
        context.Options.Secret is null ? 0 : Handshake.PeerSecretFeature, context.Options.DirectoryId.Value, context.Options.Version);

    public HandshakeRequest Request => _request;

    /// <summary>The last response of the listener.</summary>
    public HandshakeResponse Response { get; private set; }

    /// <summary>Signs the frames of the connection; null without a secret.</summary>
    public FrameAuthenticator? Authenticator { get; private set; }

    /// <summary>Performs the handshake; returns why the connection cannot be used, if it cannot.</summary>
    /// <exception cref="WireFormatException">The listener does not send the handshake of a node.</exception>
    public async Task<HandshakeRejection> RunAsync(Stream stream, CancellationToken cancellation)
    {
        var rejection = context.Options.Secret is { } secret
            ? await RunAsync(stream, secret.Keys[0], cancellation).ConfigureAwait(false)
            : await RunWithoutSecretAsync(stream, cancellation).ConfigureAwait(false);
        if (rejection == HandshakeRejection.None
            && !context.Options.TryRecordDirectory(peer.Id, new DirectoryId(Response.DirectoryId)))
        {
            return HandshakeRejection.DataDirectoryChanged;
        }

        return rejection;
    }

    private async Task<HandshakeRejection> RunWithoutSecretAsync(Stream stream, CancellationToken cancellation)
    {
        await stream.WriteAsync(Handshake.Write(_request), cancellation).ConfigureAwait(false);
        Response = await Handshake.ReadResponseAsync(stream, cancellation).ConfigureAwait(false);
        return Validate();
    }

    private async Task<HandshakeRejection> RunAsync(Stream stream, PeerKey key, CancellationToken cancellation)
    {
        var request = Handshake.WriteSealed(_request, key, RandomNumberGenerator.GetBytes(PeerKey.NonceBytes));
        await stream.WriteAsync(request, cancellation).ConfigureAwait(false);
        var challenge = await Handshake.ReadResponseBytesAsync(stream, cancellation).ConfigureAwait(false);
        Response = Handshake.ParseResponse(challenge);
        if (Validate() is not HandshakeRejection.None and var rejection)
            return rejection;
        if (!Handshake.VerifyChallenge(challenge, key, request))
            return HandshakeRejection.WrongSecret;

        await stream.WriteAsync(Handshake.WriteConfirmation(key, request, challenge), cancellation).ConfigureAwait(false);
        var verdict = await Handshake.ReadResponseBytesAsync(stream, cancellation).ConfigureAwait(false);
        if (!Handshake.VerifyVerdict(verdict, key, request, challenge))
            return HandshakeRejection.WrongSecret;
        Response = Handshake.ParseResponse(verdict);
        Authenticator = key.DeriveFrameKey(request, challenge);
        return Validate();
    }

    /// <summary>The listener validates the request. Its acceptance counts only if it comes from the right node.</summary>
    private HandshakeRejection Validate() =>
        Response.Rejection != HandshakeRejection.None ? Response.Rejection
        : Response.ClusterId != _request.ClusterId ? HandshakeRejection.WrongCluster
        : Response.From != _request.To ? HandshakeRejection.WrongReceiver
        : Response.Version < _request.VersionMin || Response.Version > _request.VersionMax ? HandshakeRejection.WrongVersion
        : ((Response.Features ^ _request.Features) & Handshake.PeerSecretFeature) != 0 ? HandshakeRejection.SecretMissing
        : HandshakeRejection.None;
}
