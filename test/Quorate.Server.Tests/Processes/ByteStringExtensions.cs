using Google.Protobuf;

namespace Quorate.Server.Tests.Processes;

internal static class ByteStringExtensions
{
    public static ByteString ToByteString(this ReadOnlySpan<byte> bytes) => ByteString.CopyFrom(bytes);

    public static ByteString ToByteString(this string text) => ByteString.CopyFromUtf8(text);
}
