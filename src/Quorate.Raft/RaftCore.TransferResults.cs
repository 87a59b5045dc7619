namespace Quorate.Raft;

/// <summary>The result of a requested leadership transfer.</summary>
/// <remarks>
/// <code>
///   leader     requested ─► refused
///      │           └──────► target has not taken over by the deadline, or is lost: failed; the leader leads on
///      ▼
///   follower   of the target: completed;   of another leader: failed;   no leader for an election timeout after the deadline: failed
/// </code>
/// A transfer has succeeded when this node follows the target, not when it has stopped leading: then its held proposals can be forwarded.
/// </remarks>
public sealed partial class RaftCore
{
    private AwaitedTransfer _awaitedTransfer;

    /// <summary>A transfer whose result is wanted.</summary>
    /// <param name="Ticket">The driver's number for the transfer; 0: none is awaited.</param>
    /// <param name="Target">The member that is to lead.</param>
    /// <param name="Term">The term in which it was requested; a leader of a later term ends it.</param>
    /// <param name="Deadline">The tick at which the leader gives the transfer up.</param>
    private readonly record struct AwaitedTransfer(ulong Ticket, NodeId Target, Term Term, ulong Deadline);

    private void AwaitTransfer(ulong ticket, NodeId target, ulong deadline)
    {
        if (ticket != 0)
            _awaitedTransfer = new AwaitedTransfer(ticket, target, _term, deadline);
    }

    private void Refuse(ulong ticket, TransferFailure failure, Effects effects)
    {
        if (ticket != 0)
            effects.TransferResults.Add(new TransferResult(ticket, _leader, failure));
    }

    private void FailAwaitedTransfer(TransferFailure failure, Effects effects)
    {
        Refuse(_awaitedTransfer.Ticket, failure, effects);
        _awaitedTransfer = default;
    }

    /// <summary>Reports the result of the awaited transfer once it is known. Called at the end of each step.</summary>
    private void CompleteTransfer(Effects effects)
    {
        var (ticket, target, term, deadline) = _awaitedTransfer;
        if (ticket == 0)
            return;

        if (_leader == target)
        {
            effects.TransferResults.Add(new TransferResult(ticket, target, Failure: null));
            _awaitedTransfer = default;
        }
        else if (_leader != NodeId.None && _term > term)
        {
            FailAwaitedTransfer(TransferFailure.AnotherLeader, effects);
        }
        else if (_role != Role.Leader && _now >= deadline + (ulong)_options.ElectionTicks)
        {
            // The target may have campaigned at the last moment, so it is given time for its election.
            FailAwaitedTransfer(TransferFailure.Expired, effects);
        }
    }
}
