using System.Buffers;
using Quorate.Kv;
using Quorate.Server.Etcd;

namespace Quorate.Server.Replication;

/// <summary>Encodes the commands that this member proposes.</summary>
internal static class CommandEncoder
{
    /// <summary>Encodes a request and decodes it again: bytes that no member could apply are not proposed.</summary>
    /// <param name="request">A valid request.</param>
    /// <param name="capacity">The expected number of bytes. The log retains the buffer, so it is not pooled.</param>
    /// <exception cref="Grpc.Core.RpcException">The bytes do not decode, because of a bug of the encoder.</exception>
    public static ReadOnlyMemory<byte> Encode(KvRequest request, int capacity)
    {
        var command = new ArrayBufferWriter<byte>(capacity);
        KvCommandCodec.Encode(request, command);
        return KvCommandCodec.TryDecode(command.WrittenMemory, out _)
            ? command.WrittenMemory
            : throw EtcdErrors.From(KvError.UndecodableCommand);
    }
}
