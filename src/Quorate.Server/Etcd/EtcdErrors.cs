using Grpc.Core;
using Quorate.Kv;

namespace Quorate.Server.Etcd;

/// <summary>Errors with etcd's codes and texts; clients compare the texts verbatim.</summary>
/// <remarks>Source: etcd v3 API, rpctypes. The texts of the store's errors are in <see cref="KvError"/>.</remarks>
internal static class EtcdErrors
{
    /// <summary>An error of the store or of request validation.</summary>
    public static RpcException From(KvError error) => new(new Status((StatusCode)(int)error.Code, error.Message));

    /// <summary>The cluster has no leader; the request has not been executed.</summary>
    public static RpcException NoLeader() => Create(StatusCode.Unavailable, "etcdserver: no leader");

    /// <summary>The request timed out; a write may still be committed.</summary>
    public static RpcException TimedOut() => Create(StatusCode.Unavailable, "etcdserver: request timed out");

    /// <summary>The client cancelled the call; a write may still be committed.</summary>
    public static RpcException Cancelled() => Create(StatusCode.Cancelled, "etcdserver: request canceled");

    /// <summary>The deadline of the call has passed; a write may still be committed.</summary>
    public static RpcException DeadlineExceeded() => Create(StatusCode.DeadlineExceeded, "etcdserver: context deadline exceeded");

    /// <summary>Too many requests are pending.</summary>
    public static RpcException TooManyRequests() => Create(StatusCode.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>The request exceeds the maximum request size.</summary>
    public static RpcException TooLarge() => Create(StatusCode.InvalidArgument, "etcdserver: request is too large");

    /// <summary>This member is stopping.</summary>
    public static RpcException Stopped() => Create(StatusCode.Unavailable, "etcdserver: server stopped");

    /// <summary>The message exceeds the maximum message size of the transport; code and text are grpc-go's.</summary>
    public static RpcException MessageTooLarge(long bytes, int bytesMax) =>
        Create(StatusCode.ResourceExhausted, $"grpc: received message larger than max ({bytes} vs. {bytesMax})");

    /// <summary>The request is not a valid protobuf message; code and text are grpc-go's, followed by the parser's reason.</summary>
    public static RpcException MalformedProtobuf(string reason) =>
        Create(StatusCode.Internal, $"grpc: error unmarshalling request: {reason}");

    private static RpcException Create(StatusCode code, string message) => new(new Status(code, message));
}
