using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The pending proposals as the driver sees them: without the state machine's type of result.</summary>
internal interface IPendingProposals
{
    /// <summary>
    /// Takes all queued proposals and the sequence numbers of withdrawn ones: swaps the two given collections, which must be empty, with
    /// those of the queue. Takes nothing while the group-commit hold lasts.
    /// </summary>
    /// <param name="hasLeader">Whether a leader takes proposals. If not, they stay in the queue and wait.</param>
    /// <param name="proposals">Receives the proposals, in ascending order.</param>
    /// <param name="withdrawn">
    /// Receives the withdrawn proposals, each among <paramref name="proposals"/> or those of an earlier iteration.
    /// </param>
    void Drain(bool hasLeader, ref ProposalBatch proposals, ref List<ulong> withdrawn);

    /// <summary>Completes a proposal that will never be committed.</summary>
    /// <param name="rejection">The proposal and the reason.</param>
    /// <param name="leader">The leader that the core knows.</param>
    void Reject(in ProposalRejection rejection, NodeId leader);

    /// <summary>Completes a proposal whose outcome cannot be known any more.</summary>
    void CompleteIndeterminate(ProposalId proposal);
}
