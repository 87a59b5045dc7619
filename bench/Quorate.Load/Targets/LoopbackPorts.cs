using System.Net;
using System.Net.Sockets;

namespace Quorate.Load.Targets;

/// <summary>Free ports on loopback, for members that must know each other's address before they start.</summary>
internal static class LoopbackPorts
{
    /// <summary>
    /// Binds <paramref name="count"/> different free ports and releases them. The caller must listen on them at once.
    /// </summary>
    public static IPEndPoint[] Reserve(int count)
    {
        var sockets = new Socket[count];
        var endPoints = new IPEndPoint[count];
        for (var i = 0; i < count; i++)
        {
            sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets[i].Bind(new IPEndPoint(IPAddress.Loopback, 0));
            endPoints[i] = (IPEndPoint)sockets[i].LocalEndPoint!;
        }

        foreach (var socket in sockets)
        {
            socket.Dispose();
        }

        return endPoints;
    }
}
