using Grpc.Core;
using Quorate.Kv;

namespace Quorate.Server.Etcd;

/// <summary>Refusals in etcd's words: clients match on the text, to the letter.</summary>
/// <remarks>Source: etcd v3 API, rpctypes. What the store refuses has its text in <see cref="KvError"/>.</remarks>
internal static class EtcdErrors
{
    /// <summary>What the store, or a check before it, refused.</summary>
    public static RpcException From(KvError error) => new(new Status((StatusCode)(int)error.Code, error.Message));

    /// <summary>Nobody leads; nothing has happened.</summary>
    public static RpcException NoLeader() => Create(StatusCode.Unavailable, "etcdserver: no leader");

    /// <summary>No answer in time: a write may still come to pass.</summary>
    public static RpcException TimedOut() => Create(StatusCode.Unavailable, "etcdserver: request timed out");

    /// <summary>Too much is on its way already.</summary>
    public static RpcException TooManyRequests() => Create(StatusCode.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>More bytes than the cluster takes in one command.</summary>
    public static RpcException TooLarge() => Create(StatusCode.InvalidArgument, "etcdserver: request is too large");

    /// <summary>This member is going down.</summary>
    public static RpcException Stopped() => Create(StatusCode.Unavailable, "etcdserver: server stopped");

    /// <summary>More bytes than the transport takes in one message; the words are those of Go's gRPC.</summary>
    public static RpcException MessageTooLarge(long bytes, int bytesMax) =>
        Create(StatusCode.ResourceExhausted, $"grpc: received message larger than max ({bytes} vs. {bytesMax})");

    /// <summary>The bytes of a request are none of its messages; the words are those of Go's gRPC, and the parser's why.</summary>
    public static RpcException MalformedProtobuf(string reason) => Create(StatusCode.Internal, $"grpc: error unmarshalling request: {reason}");

    private static RpcException Create(StatusCode code, string message) => new(new Status(code, message));
}
