#pragma warning disable RS0026 // The overloads of ProposeAsync differ in the type of their second parameter, so no call is ambiguous.
using Quorate.Raft;

namespace Quorate.Node;

/// <summary>A running member of a Raft cluster, as its users see it. Tests of a user may implement it with a fake.</summary>
/// <typeparam name="TResult">The result type of the state machine.</typeparam>
/// <remarks>
/// Threading: every member may be called from any thread.
/// Without a leader: requests wait for one until they are cancelled.
/// Errors: a rejected request is a value. A cancelled request throws <see cref="OperationCanceledException"/>, with one exception: a
/// proposal that may already be in the log cannot be cancelled, so its outcome is <see cref="ProposalOutcome.Indeterminate"/>. A request to
/// a stopped node throws <see cref="NodeStoppedException"/>.
/// </remarks>
public interface IRaftNode<TResult>
{
    /// <summary>The current status of the node.</summary>
    RaftStatus Status { get; }

    /// <summary>
    /// Completes when the node has stopped: successfully after its disposal; with the exception that stopped it when the disk, the state
    /// machine or an invariant failed. A failed node acknowledges nothing more; its process should exit.
    /// </summary>
    Task Completion { get; }

    /// <summary>Proposes a command; see <see cref="ProposeAsync(ReadOnlyMemory{byte}, ProposalOptions, CancellationToken)"/>.</summary>
    /// <param name="command">The command; the caller must not change its bytes after the call.</param>
    /// <param name="cancellationToken">Stops waiting. Always pass a token: without a quorum there may be no outcome.</param>
    ValueTask<ProposalResult<TResult>> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default);

    /// <summary>
    /// Proposes a command. The current leader appends it to the log, wherever the call was made, and every member applies it once it is
    /// committed.
    /// </summary>
    /// <param name="command">The command; the caller must not change its bytes after the call.</param>
    /// <param name="options">Conditions under which it may be appended.</param>
    /// <param name="cancellationToken">Stops waiting. Always pass a token: without a quorum there may be no outcome.</param>
    /// <returns>The outcome. A rejection is a value, never an exception.</returns>
    /// <exception cref="OperationCanceledException">Cancelled before the command was proposed: it never will be.</exception>
    /// <exception cref="NodeStoppedException">The node had stopped before the command was proposed: it never will be.</exception>
    ValueTask<ProposalResult<TResult>> ProposeAsync(
        ReadOnlyMemory<byte> command, ProposalOptions options, CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until this node's state machine has applied every command that any node acknowledged before the call. A read of the state
    /// machine after that is linearizable.
    /// </summary>
    /// <remarks>
    /// Appends nothing to the log: one round of messages, shared by all waiting reads, confirms to the leader that it still leads. Source:
    /// thesis §6.4.
    /// </remarks>
    /// <param name="cancellationToken">Stops waiting. Always pass a token: without a quorum the read is never granted.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    ValueTask<ReadResult> ReadBarrierAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until this node's state machine has applied what <paramref name="options"/> require; see
    /// <see cref="ReadBarrierAsync(CancellationToken)"/> for a linearizable read.
    /// </summary>
    /// <param name="options">What the state machine must have applied.</param>
    /// <param name="cancellationToken">Stops waiting. Always pass a token: the read may never be granted.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    ValueTask<ReadResult> ReadBarrierAsync(ReadOptions options, CancellationToken cancellationToken = default);

    /// <summary>Waits until a leader is known.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    ValueTask<RaftStatus> WaitForLeaderAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Returns the current status, then a new one after each change of role, term or leader, until the node stops. Changes in quick
    /// succession may be reported as one.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    IAsyncEnumerable<RaftStatus> WatchLeadershipAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Transfers leadership from this node, the leader, to another voter. Without a target: to the one most likely to take over.
    /// </summary>
    /// <remarks>
    /// Meanwhile the leader holds proposals of its callers back, and proposes them when there is a leader again; those that other members
    /// have forwarded to it are sent again, or are rejected as <see cref="RejectReason.Superseded"/> and may be proposed again. The target
    /// first receives the whole log, so that nothing is lost and it is elected at once.
    /// </remarks>
    /// <param name="target">The member that is to lead; default: the leader chooses.</param>
    /// <param name="timeout">
    /// How long proposals may be held back: then the leader gives the transfer up and leads on. Default: the election timeout. Too small:
    /// a target that lags slightly cannot receive the whole log. Too large: if the target fails, writes stand still for so long.
    /// </param>
    /// <param name="cancellationToken">Stops waiting for the result; the transfer goes on.</param>
    /// <returns>The result. A refusal is a value, never an exception.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is not positive, or longer than a day.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    ValueTask<LeadershipTransferResult> TransferLeadershipAsync(
        NodeId target = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Gives leadership up: transfers it to the voter most likely to take over, and if that one does not take over, to another.
    /// </summary>
    /// <remarks>
    /// As <see cref="TransferLeadershipAsync"/>, at most twice and each time for half an election timeout. If both transfers fail, this
    /// node leads on.
    /// </remarks>
    /// <param name="cancellationToken">Stops waiting for the result; a transfer that has begun goes on.</param>
    /// <returns>The result. A refusal is a value, never an exception.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    ValueTask<LeadershipTransferResult> StepDownAsync(CancellationToken cancellationToken = default);
}
