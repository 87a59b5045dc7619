namespace Quorate.Node.Transport;

/// <summary>A member has rejected the request of a node that wants to join.</summary>
internal sealed class HandshakeRejectedException(string message) : Exception(message);
