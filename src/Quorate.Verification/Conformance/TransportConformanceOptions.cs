using System.Net;
using System.Net.Sockets;
using Quorate.Node.Transport;

namespace Quorate.Verification.Conformance;

/// <summary>Adapts <see cref="TransportConformance"/> to a transport.</summary>
public sealed record TransportConformanceOptions
{
    /// <summary>Returns an address at which a member can listen and its peers can reach it, another one with each call.</summary>
    /// <remarks>Default: a free TCP port of 127.0.0.1.</remarks>
    public Func<PeerAddress> NextAddress { get; init; } = FreeLoopbackPort;

    /// <summary>The time after which a check fails because something that must happen has not happened.</summary>
    /// <remarks>Default 30 s. No check waits that long if the transport is right; a loaded machine needs a reserve.</remarks>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The bytes to send to a peer that receives nothing, until messages must have been dropped.</summary>
    /// <remarks>
    /// Default 512 MiB. It must be larger than all queues between two members together, those of the operating system included.
    /// </remarks>
    public long QueuedBytesMax { get; init; } = 512 << 20;

    private static PeerAddress FreeLoopbackPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new PeerAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
    }
}
