using System.Globalization;
using Grpc.Core;
using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Server.Etcd;

/// <summary>Errors with etcd's codes and texts; clients compare the texts verbatim.</summary>
/// <remarks>Source: etcd v3 API, rpctypes. The texts of the store's errors are in <see cref="KvError"/>.</remarks>
internal static class EtcdErrors
{
    /// <summary>An error of the store or of request validation.</summary>
    public static RpcException From(KvError error) => new(new Status((StatusCode)(int)error.Code, error.Message));

    /// <summary>The cluster has no leader; the request has not been executed.</summary>
    public static RpcException NoLeader() => Create(StatusCode.Unavailable, "etcdserver: no leader");

    /// <summary>This member is quarantined: its state is not that of the other members.</summary>
    public static RpcException Corrupt() => Create(StatusCode.DataLoss, "etcdserver: corrupt cluster");

    /// <summary>The request timed out; a write may still be committed.</summary>
    public static RpcException TimedOut() => Create(StatusCode.Unavailable, "etcdserver: request timed out");

    /// <summary>The client cancelled the call; a write may still be committed.</summary>
    public static RpcException Cancelled() => Create(StatusCode.Cancelled, "etcdserver: request canceled");

    /// <summary>The deadline of the call has passed; a write may still be committed.</summary>
    public static RpcException DeadlineExceeded() => Create(StatusCode.DeadlineExceeded, "etcdserver: context deadline exceeded");

    /// <summary>Too many requests are pending.</summary>
    public static RpcException TooManyRequests() => Create(StatusCode.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>Too many snapshots are being downloaded.</summary>
    public static RpcException TooManySnapshots(int max) => Create(
        StatusCode.ResourceExhausted,
        $"quorate: {max} snapshots are being downloaded from this member, which is the limit; try again later, or at another member");

    /// <summary>The client of a snapshot receives nothing.</summary>
    public static RpcException SnapshotStalled(TimeSpan time) => Create(
        StatusCode.Aborted, $"quorate: the client received nothing for {time.TotalSeconds} s, so the snapshot was ended");

    /// <summary>The request exceeds the maximum request size.</summary>
    public static RpcException TooLarge() => Create(StatusCode.InvalidArgument, "etcdserver: request is too large");

    /// <summary>This member is stopping.</summary>
    public static RpcException Stopped() => Create(StatusCode.Unavailable, "etcdserver: server stopped");

    /// <summary>This member does not lead, and the call is only served by the leader.</summary>
    public static RpcException NotLeader() => Create(StatusCode.FailedPrecondition, "etcdserver: not leader");

    /// <summary>The member that is to lead is not known, or is a learner.</summary>
    public static RpcException BadLeaderTransferee() => Create(StatusCode.FailedPrecondition, "etcdserver: bad leader transferee");

    /// <summary>Leadership was not transferred. In etcd, a transfer that does not succeed ends with the deadline of the call.</summary>
    public static RpcException From(TransferFailure failure, NodeId target) => failure switch
    {
        TransferFailure.NotLeader => NotLeader(),
        TransferFailure.UnknownMember or TransferFailure.NotVoter or TransferFailure.NoCandidate => BadLeaderTransferee(),
        TransferFailure.NotSupported => Create(
            StatusCode.FailedPrecondition, "quorate: a member of the cluster does not know leadership transfers; upgrade all members"),
        TransferFailure.InProgress => Create(
            StatusCode.Unavailable, "quorate: another leadership transfer is in progress; try again when it has ended"),
        TransferFailure.TargetUnreachable => Create(
            StatusCode.Unavailable, $"quorate: leadership was not transferred: member {Hex(target)} does not reply"),
        TransferFailure.TargetLags => Create(
            StatusCode.Unavailable, $"quorate: leadership was not transferred: member {Hex(target)} lacks entries of the log"),
        TransferFailure.AnotherLeader => Create(StatusCode.Unavailable, "etcdserver: leader changed"),
        _ => Create(StatusCode.Unavailable, "etcdserver: request timed out, leader transfer took too long"),
    };

    /// <summary>The message exceeds the maximum message size of the transport; code and text are grpc-go's.</summary>
    public static RpcException MessageTooLarge(long bytes, int bytesMax) =>
        Create(StatusCode.ResourceExhausted, $"grpc: received message larger than max ({bytes} vs. {bytesMax})");

    /// <summary>The response is larger than a gRPC message can be; code and text are grpc-go's.</summary>
    public static RpcException ResponseTooLarge(long bytes) =>
        Create(StatusCode.ResourceExhausted, $"grpc: trying to send message larger than max ({bytes} vs. {int.MaxValue})");

    /// <summary>The request is not a valid protobuf message; code and text are grpc-go's, followed by the parser's reason.</summary>
    public static RpcException MalformedProtobuf(string reason) =>
        Create(StatusCode.Internal, $"grpc: error unmarshalling request: {reason}");

    /// <summary>The first byte of a message is neither 0 nor 1; code and text are grpc-go's.</summary>
    public static RpcException UnknownPayloadFormat(byte format) =>
        Create(StatusCode.Internal, $"grpc: received unexpected payload format {format}");

    /// <summary>The compressed message is malformed; code and text are grpc-go's.</summary>
    public static RpcException CannotDecompress() => Create(StatusCode.Internal, "grpc: failed to decompress the received message");

    /// <summary>A stream's message is malformed or cut off.</summary>
    public static RpcException MalformedMessage(string reason) => Create(StatusCode.Internal, $"grpc: malformed message: {reason}");

    /// <summary>The method does not exist, or is not served yet; code and text are grpc-go's.</summary>
    public static RpcException UnknownMethod(string service, string method) =>
        Create(StatusCode.Unimplemented, $"unknown method {method} for service {service}");

    /// <summary>The service does not exist, or is not served yet; code and text are grpc-go's.</summary>
    public static RpcException UnknownService(string service) => Create(StatusCode.Unimplemented, $"unknown service {service}");

    /// <summary>The path of a call has no service; code and text are grpc-go's.</summary>
    public static RpcException MalformedMethodName(string path) =>
        Create(StatusCode.Unimplemented, $"malformed method name: \"{path}\"");

    /// <summary>The health of a service is requested that the server does not have; code and text are grpc-go's.</summary>
    public static RpcException UnknownHealthService() => Create(StatusCode.NotFound, "unknown service");

    /// <summary>The path does not exist; code and text are those of etcd's gateway.</summary>
    public static RpcException PathNotFound() => Create(StatusCode.NotFound, "Not Found");

    /// <summary>The call failed because of a bug; the server's log has the exception.</summary>
    public static RpcException Internal(Exception bug) => Create(StatusCode.Internal, $"quorate: internal error: {bug.Message}");

    /// <summary>A member with the id exists.</summary>
    public static RpcException MemberExists() => Create(StatusCode.FailedPrecondition, "etcdserver: member ID already exist");

    /// <summary>Another member has one of the peer URLs.</summary>
    public static RpcException PeerUrlsExist() => Create(StatusCode.FailedPrecondition, "etcdserver: Peer URLs already exists");

    /// <summary>The request has no peer URL, or one that this server cannot use.</summary>
    public static RpcException BadMemberUrls() => Create(StatusCode.InvalidArgument, "etcdserver: given member URLs are invalid");

    /// <summary>No member has the id.</summary>
    public static RpcException MemberNotFound() => Create(StatusCode.NotFound, "etcdserver: member not found");

    /// <summary>The member to promote is a voter.</summary>
    public static RpcException MemberNotLearner() =>
        Create(StatusCode.FailedPrecondition, "etcdserver: can only promote a learner member");

    /// <summary>The learner to promote lags, or cannot be reached.</summary>
    public static RpcException LearnerNotReady() => Create(
        StatusCode.FailedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader");

    /// <summary>The cluster has as many learners as <c>--max-learners</c> permits.</summary>
    public static RpcException TooManyLearners() =>
        Create(StatusCode.FailedPrecondition, "etcdserver: too many learner members in cluster");

    /// <summary>After the change, members that were never started would be needed for the quorum.</summary>
    public static RpcException NotEnoughStartedMembers() => Create(
        StatusCode.FailedPrecondition, "etcdserver: re-configuration failed due to not enough started members");

    /// <summary>After the change, members that cannot be reached would be needed for the quorum.</summary>
    public static RpcException Unhealthy() => Create(StatusCode.Unavailable, "etcdserver: unhealthy cluster");

    /// <summary>The cluster has the most members that it can have; etcd has no such limit.</summary>
    public static RpcException TooManyMembers() =>
        Create(StatusCode.FailedPrecondition, "quorate: the cluster has the most members that it can have");

    /// <summary>Some member runs a version that does not know the request.</summary>
    public static RpcException NotCapable() => Create(StatusCode.FailedPrecondition, "etcdserver: not capable");

    /// <summary>The body of a JSON request is not valid; etcd's text is that of its own parser.</summary>
    public static RpcException MalformedJson(string reason) => Create(StatusCode.InvalidArgument, reason);

    private static string Hex(NodeId member) => member.Value.ToString("x", CultureInfo.InvariantCulture);

    private static RpcException Create(StatusCode code, string message) => new(new Status(code, message));
}
