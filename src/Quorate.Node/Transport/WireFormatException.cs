namespace Quorate.Node.Transport;

/// <summary>Bytes from a peer violate the wire format. The connection is dropped and counted.</summary>
internal sealed class WireFormatException(string message) : Exception(message);
