using System.Collections.Immutable;
using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Exploration;

/// <summary>
/// Ghost state: what has been acknowledged to clients and to other members. It must stay true even when the member that acknowledged it
/// has crashed.
/// </summary>
internal sealed class GhostState : HashedStateComponent
{
    private readonly SymmetryPermutation[] _permutations;

    public GhostState(SymmetryPermutation[] permutations)
        : base(permutations) =>
        _permutations = permutations;

    /// <summary>Every entry that any member ever considered committed.</summary>
    public ImmutableArray<CommittedEntry> Committed { get; private init; } = [];

    /// <summary>The leader of each term, from term 1 on.</summary>
    public ImmutableArray<NodeId> Leaders { get; private init; } = [];

    /// <summary>Reads that have not completed.</summary>
    public ImmutableArray<OpenRead> Reads { get; private init; } = [];

    /// <summary>Sequence numbers of rejected proposals, which must never be committed.</summary>
    public ImmutableArray<ulong> Rejected { get; private init; } = [];

    /// <summary>Number of granted reads.</summary>
    public int Granted { get; private init; }

    public LogIndex LastCommitted => new((ulong)Committed.Length);

    /// <summary>A core emits committed entries to be applied.</summary>
    public GhostState WithCommitted(RaftCore core, ReadOnlySpan<LogEntry> entries)
    {
        var committed = Committed;
        foreach (ref readonly var entry in entries)
        {
            var at = (int)entry.Index.Value - 1;
            if (at < committed.Length)
            {
                Require(
                    committed[at].Term == entry.Term && committed[at].Proposal == entry.Proposal,
                    "StateMachineSafety",
                    $"{core.Self} commits {entry.Id}, but {committed[at].Term}/{entry.Index} was committed at that index");
                continue;
            }

            var proposal = entry.Proposal;
            Require(at == committed.Length, "StateMachineSafety", $"{core.Self} commits {entry.Id} before its predecessor is committed");
            if (proposal != ProposalId.None)
            {
                Require(committed.All(other => other.Proposal != proposal), "OneOutcome", $"{proposal} is committed twice");
                Require(
                    !Rejected.Contains(proposal.Sequence),
                    "RejectedNeverHappens",
                    $"{proposal} was rejected, and {core.Self} commits it at {entry.Id}");
            }

            committed = committed.Add(new CommittedEntry(entry.Term, proposal, core.Term));
        }

        return committed == Committed ? this : With(committed: committed);
    }

    /// <summary>A core becomes leader.</summary>
    public GhostState WithLeader(RaftCore core)
    {
        var term = (int)core.Term.Value;
        var leaders = Leaders;
        while (leaders.Length < term)
            leaders = leaders.Add(NodeId.None);
        var before = leaders[term - 1];
        Require(before == NodeId.None || before == core.Self, "ElectionSafety", $"term {term} has two leaders, {before} and {core.Self}");
        return With(leaders: leaders.SetItem(term - 1, core.Self));
    }

    public GhostState WithRejected(ProposalId proposal)
    {
        Require(Committed.All(entry => entry.Proposal != proposal), "RejectedNeverHappens", $"{proposal} is committed, and then rejected");
        return With(rejected: Rejected.Add(proposal.Sequence).Sort());
    }

    public GhostState WithRead(NodeId node, ulong ticket) => With(reads: Reads.Add(new OpenRead(node, ticket, LastCommitted)));

    /// <summary>A read completes: if granted, at an index that includes everything committed when the read was requested.</summary>
    public GhostState WithReadResult(in ReadIndexResult result)
    {
        var ticket = result.Ticket;
        var read = Reads.FirstOrDefault(read => read.Ticket == ticket);
        Require(read.Ticket == ticket, "OneReadResult", $"read {ticket} completes, but is not pending");
        Require(
            result.RejectReason is not null || result.Index >= read.LastCommitted,
            "NoStaleRead",
            $"read {ticket} is granted at {result.Index}, but {read.LastCommitted} was committed when it was requested at {read.Node}");
        return With(reads: Reads.Remove(read), granted: Granted + (result.RejectReason is null ? 1 : 0));
    }

    /// <summary>A process ends, and its pending reads with it.</summary>
    public GhostState WithoutReadsOf(NodeId node) =>
        Reads.Any(read => read.Node == node) ? With(reads: Reads.RemoveAll(read => read.Node == node)) : this;

    /// <summary>Checks LeaderCompleteness, CommittedIsDurable and SnapshotIsCommitted.</summary>
    /// <param name="members">All members, in id order.</param>
    /// <param name="quorums">Their quorums, by code that the core does not share.</param>
    public void Check(ReadOnlySpan<MemberState> members, SpecMembership quorums)
    {
        foreach (var member in members)
        {
            var snapshot = member.Disk.Snapshot;
            Require(
                snapshot.Index == LogIndex.Zero
                    || (snapshot.Index <= LastCommitted && Committed[(int)snapshot.Index.Value - 1].Term == snapshot.Term),
                "SnapshotIsCommitted",
                $"the snapshot on the disk of {member.Id} ends with {snapshot}, which is not committed");
        }

        for (var at = 0; at < Committed.Length; at++)
        {
            var entry = Committed[at];
            var index = new LogIndex((ulong)at + 1);
            var holders = default(ServerSet);
            foreach (var member in members)
            {
                // What a member acknowledged before it lost its log counts, until it has received it again.
                if (member.Disk.Holds(entry.Term, index) || member.Disk.HardState.RepairTerm >= entry.Term)
                    holders = holders.With((int)member.Id.Value - 1);
                Require(
                    member.Core.Role != Role.Leader || member.Core.Term <= entry.CommittedIn || member.Core.TermAt(index) == entry.Term
                        || index < member.Core.CompactedIndex,
                    "LeaderCompleteness",
                    $"{member.Id} leads term {member.Core.Term} without {entry.Term}/{index}, committed in term {entry.CommittedIn}");
            }

            if (!quorums.IsQuorum(holders))
                throw new ViolationException(
                    "CommittedIsDurable", $"{entry.Term}/{index} is committed, but only the disks of {holders} have it: no quorum");
        }
    }

    protected override void Write(in SymmetryPermutation state)
    {
        state.Number((ulong)Committed.Length);
        foreach (var entry in Committed)
        {
            state.Number(entry.Term.Value);
            state.Node(entry.Proposal.Origin);
            state.Number(entry.Proposal.Sequence);
            state.Number(entry.CommittedIn.Value);
        }

        state.Number((ulong)Leaders.Length);
        foreach (var leader in Leaders)
            state.Node(leader);
        state.Number((ulong)Reads.Length);
        foreach (var read in Reads)
        {
            state.Node(read.Node);
            state.Number(read.Ticket);
            state.Number(read.LastCommitted.Value);
        }

        state.Number((ulong)Rejected.Length);
        foreach (var sequence in Rejected)
            state.Number(sequence);
    }

    private static void Require(bool holds, string property, string detail)
    {
        if (!holds)
            throw new ViolationException(property, detail);
    }

    private GhostState With(
        ImmutableArray<CommittedEntry>? committed = null, ImmutableArray<NodeId>? leaders = null, ImmutableArray<OpenRead>? reads = null,
        ImmutableArray<ulong>? rejected = null, int? granted = null) => new(_permutations)
        {
            Committed = committed ?? Committed,
            Leaders = leaders ?? Leaders,
            Reads = reads ?? Reads,
            Rejected = rejected ?? Rejected,
            Granted = granted ?? Granted,
        };
}

/// <summary>A committed entry.</summary>
/// <param name="Term">Term of the entry.</param>
/// <param name="Proposal">The proposal in the entry.</param>
/// <param name="CommittedIn">Term of the member that committed it first: the leaders of all later terms must have the entry.</param>
internal readonly record struct CommittedEntry(Term Term, ProposalId Proposal, Term CommittedIn);

/// <summary>A read that has not completed.</summary>
/// <param name="Node">The member at which a client requested the read.</param>
/// <param name="Ticket">Number of the read.</param>
/// <param name="LastCommitted">Last committed index, and so last possibly acknowledged index, when the read was requested.</param>
internal readonly record struct OpenRead(NodeId Node, ulong Ticket, LogIndex LastCommitted);
