using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>The Raft node as the API uses it: proposals, read barriers and status.</summary>
internal interface IRaftNode
{
    /// <summary>A recent snapshot of the node's status.</summary>
    NodeStatus Status { get; }

    /// <summary>The number of proposals and of read barriers that wait in the node.</summary>
    (int Proposals, int Reads) Pending { get; }

    /// <summary>Proposes a command and waits until it is applied. A rejection is a result, not an exception.</summary>
    ValueTask<KvProposalResult> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation);

    /// <summary>Waits until this member has applied every write that was acknowledged before the call.</summary>
    ValueTask<RequestOutcome> ReadBarrierAsync(CancellationToken cancellation);

    /// <summary>Waits until a leader is known.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled before a leader was known.</exception>
    Task WaitForLeaderAsync(CancellationToken cancellation);
}

/// <summary>The outcome of a proposal or a read barrier.</summary>
internal enum RequestOutcome : byte
{
    /// <summary>The request succeeded.</summary>
    Completed = 1,

    /// <summary>The request was not executed and never will be; it may be retried once there is a leader.</summary>
    Retry,

    /// <summary>The request was rejected because too many are pending.</summary>
    Busy,

    /// <summary>The request was rejected because it is too large.</summary>
    TooLarge,

    /// <summary>The outcome was not known before the deadline; the request may still be executed.</summary>
    Indeterminate,

    /// <summary>The request was rejected because this member is stopping.</summary>
    Stopped,
}

/// <summary>The outcome of a proposal and, if it completed, the result of applying it.</summary>
internal readonly record struct KvProposalResult(RequestOutcome Outcome, KvResult Result);

/// <summary>The status of one member's Raft node.</summary>
/// <param name="Term">The current term.</param>
/// <param name="Leader">The leader known to this member; 0 if none is known.</param>
/// <param name="LastIndex">The last index of the log.</param>
/// <param name="CommitIndex">The commit index.</param>
/// <param name="AppliedIndex">The applied index.</param>
internal readonly record struct NodeStatus(ulong Term, ulong Leader, ulong LastIndex, ulong CommitIndex, ulong AppliedIndex);
