using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>This member's part in the cluster, as the API sees it: propose, read, ask how things stand.</summary>
internal interface IRaftNode
{
    /// <summary>How things stand, as of a moment ago.</summary>
    NodeStatus Status { get; }

    /// <summary>Has a command put into the log and applied. Never throws for a refusal.</summary>
    ValueTask<KvProposalResult> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation);

    /// <summary>Waits until everything acknowledged before the call can be read here.</summary>
    ValueTask<RequestOutcome> ReadBarrierAsync(CancellationToken cancellation);

    /// <summary>Waits until a leader is known.</summary>
    /// <exception cref="OperationCanceledException">None was, in time.</exception>
    Task WaitForLeaderAsync(CancellationToken cancellation);
}

/// <summary>How a proposal or a read ended.</summary>
internal enum RequestOutcome : byte
{
    /// <summary>It is done.</summary>
    Completed = 1,

    /// <summary>Not done, and never will be: it may be asked again, once there is a leader.</summary>
    Retry,

    /// <summary>Not done: too much is on its way.</summary>
    Busy,

    /// <summary>Not done: too large.</summary>
    TooLarge,

    /// <summary>Nobody knows, in time.</summary>
    Indeterminate,

    /// <summary>This member is stopping.</summary>
    Stopped,
}

/// <summary>How a proposal ended, and what the store answered.</summary>
internal readonly record struct KvProposalResult(RequestOutcome Outcome, KvResult Result);

/// <summary>How things stand at one member.</summary>
/// <param name="Term">Its term.</param>
/// <param name="Leader">Who leads, as far as it knows; 0 for nobody.</param>
/// <param name="LastIndex">The end of its log.</param>
/// <param name="CommitIndex">Committed up to here.</param>
/// <param name="AppliedIndex">Applied up to here.</param>
internal readonly record struct NodeStatus(ulong Term, ulong Leader, ulong LastIndex, ulong CommitIndex, ulong AppliedIndex);
