using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Decodes the requests of one gRPC method, so that a message takes no more than a few times its size in memory.</summary>
/// <remarks>
/// The operations of a transaction are counted before they are objects. Unknown fields of a large message are skipped: by default the
/// parser keeps each of them, in an object that takes ten times the bytes of the field.
/// </remarks>
internal sealed class RequestDecoder<T>
    where T : class
{
    // Below it, what the parser keeps is bounded by the message. Skipping also accepts some malformed fields that the parser would reject.
    private const int LargeBytesMin = 16 * 1024;

    private readonly Func<DeserializationContext, T> _decode;
    private readonly MessageParser _skippingParser;
    private readonly int _operationsMax;

    /// <param name="generated">The marshaller of the generated code.</param>
    /// <param name="operationsMax">The maximum number of operations in one list of a transaction.</param>
    public RequestDecoder(Marshaller<T> generated, int operationsMax)
    {
        _decode = generated.ContextualDeserializer;
        _skippingParser = ((IMessage)_decode(new EmptyPayload())).Descriptor.Parser.WithDiscardUnknownFields(true);
        _operationsMax = operationsMax;
    }

    /// <summary>Decodes a request.</summary>
    /// <exception cref="RpcException">The message is not valid, or is a transaction with too many operations.</exception>
    public T Decode(DeserializationContext context)
    {
        if (typeof(T) == typeof(TxnRequest) && TxnOperationCounter.Exceeds(context.PayloadAsReadOnlySequence(), _operationsMax))
            throw EtcdErrors.From(Kv.KvError.TooManyOperations);
        try
        {
            return context.PayloadLength < LargeBytesMin
                ? _decode(context)
                : (T)_skippingParser.ParseFrom(context.PayloadAsReadOnlySequence());
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw EtcdErrors.MalformedProtobuf(malformed.Message);
        }
    }

    private sealed class EmptyPayload : DeserializationContext
    {
        public override int PayloadLength => 0;

        public override byte[] PayloadAsNewBuffer() => [];

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => ReadOnlySequence<byte>.Empty;
    }
}
