namespace Quorate.Node.Transport;

/// <summary>Bytes from a peer are not what the wire format allows. The connection they came on is dropped and counted.</summary>
internal sealed class WireFormatException(string message) : Exception(message);
