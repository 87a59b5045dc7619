namespace Quorate.Node.Transport;

/// <summary>Bytes from a peer violate the wire format. The transport drops the connection and counts it.</summary>
public sealed class WireFormatException(string message) : Exception(message);
