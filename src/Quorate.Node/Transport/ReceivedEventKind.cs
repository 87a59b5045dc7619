namespace Quorate.Node.Transport;

/// <summary>The kinds of <see cref="ReceivedEvent"/>.</summary>
public enum ReceivedEventKind : byte
{
    /// <summary>A message from the peer was received.</summary>
    Message = 1,

    /// <summary>
    /// The peer closed its connection to this node. Its process may have ended, but may also still be running. A follower that loses its
    /// leader like this does not wait for the election timeout; a transport that cannot detect it never reports it.
    /// </summary>
    Disconnected = 2,
}
