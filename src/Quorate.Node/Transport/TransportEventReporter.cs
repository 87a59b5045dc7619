using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Reports <see cref="TransportEvent"/>s to the owner of the transport, and counts rejected handshakes.</summary>
internal sealed class TransportEventReporter(TcpTransportOptions options)
{
    private readonly LogMessageThrottle _rejectionThrottle = new(options.TimeProvider);
    private long _handshakesRejected;

    /// <summary>Connections that this node rejected, reported or not.</summary>
    public long HandshakesRejected => Interlocked.Read(ref _handshakesRejected);

    public void Report(TransportEventKind kind, NodeId peer, string text, HandshakeRejection rejection = HandshakeRejection.None) =>
        options.OnEvent(new TransportEvent { Kind = kind, Peer = peer, Rejection = rejection, Text = text });

    /// <summary>
    /// Counts a rejection, and reports it unless another was reported within the last second: a port scanner must not fill the log.
    /// </summary>
    public void ReportRejection(HandshakeRejection rejection, in HandshakeRequest request, string from)
    {
        Interlocked.Increment(ref _handshakesRejected);
        if (_rejectionThrottle.ShouldLog())
        {
            Report(
                TransportEventKind.Rejected, request.From,
                HandshakeErrors.ForListener(rejection, request, options, from), rejection);
        }
    }
}
