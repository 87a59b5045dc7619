using System.Collections.Immutable;
using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>What has been said to clients and between members and must stay true, though whoever said it may have forgotten.</summary>
internal sealed class GhostState : HashedComponent
{
    private readonly SymmetryPermutation[] _permutations;

    public GhostState(SymmetryPermutation[] permutations)
        : base(permutations) =>
        _permutations = permutations;

    /// <summary>Every entry that any member ever held to be committed.</summary>
    public ImmutableArray<CommittedEntry> Committed { get; private init; } = [];

    /// <summary>Who has led each term, from 1 on.</summary>
    public ImmutableArray<NodeId> Leaders { get; private init; } = [];

    /// <summary>Reads that have not been answered.</summary>
    public ImmutableArray<OpenRead> Reads { get; private init; } = [];

    /// <summary>Proposals of which it was said that they will never happen.</summary>
    public ImmutableArray<ulong> Rejected { get; private init; } = [];

    /// <summary>How many reads have been granted.</summary>
    public int Granted { get; private init; }

    public LogIndex LastCommitted => new((ulong)Committed.Length);

    /// <summary>A core hands out entries to be applied.</summary>
    public GhostState WithCommitted(RaftCore core, ReadOnlySpan<LogEntry> entries)
    {
        var committed = Committed;
        foreach (ref readonly var entry in entries)
        {
            var at = (int)entry.Index.Value - 1;
            if (at < committed.Length)
            {
                Require(committed[at].Term == entry.Term && committed[at].Proposal == entry.Proposal, "StateMachineSafety", $"{core.Self} commits {entry.Id}; {committed[at].Term}/{entry.Index} was committed there");
                continue;
            }

            var proposal = entry.Proposal;
            Require(at == committed.Length, "StateMachineSafety", $"{core.Self} commits {entry.Id}, and nothing is committed before it");
            if (proposal != ProposalId.None)
            {
                Require(committed.All(other => other.Proposal != proposal), "OneOutcome", $"{proposal} is committed twice");
                Require(!Rejected.Contains(proposal.Sequence), "RejectedNeverHappens", $"{proposal} was rejected, and {core.Self} commits it at {entry.Id}");
            }

            committed = committed.Add(new CommittedEntry(entry.Term, proposal, core.Term));
        }

        return committed == Committed ? this : With(committed: committed);
    }

    /// <summary>A core has become leader.</summary>
    public GhostState WithLeader(RaftCore core)
    {
        var term = (int)core.Term.Value;
        var leaders = Leaders;
        while (leaders.Length < term)
            leaders = leaders.Add(NodeId.None);
        var before = leaders[term - 1];
        Require(before == NodeId.None || before == core.Self, "ElectionSafety", $"term {term} is led by {before} and {core.Self}");
        return With(leaders: leaders.SetItem(term - 1, core.Self));
    }

    public GhostState WithRejected(ProposalId proposal)
    {
        Require(Committed.All(entry => entry.Proposal != proposal), "RejectedNeverHappens", $"{proposal} is committed, and is rejected");
        return With(rejected: Rejected.Add(proposal.Sequence).Sort());
    }

    public GhostState WithRead(NodeId node, ulong ticket) => With(reads: Reads.Add(new OpenRead(node, ticket, LastCommitted)));

    /// <summary>A read is answered: it must show all that was committed when it was asked.</summary>
    public GhostState WithReadResult(in ReadIndexResult result)
    {
        var ticket = result.Ticket;
        var read = Reads.FirstOrDefault(read => read.Ticket == ticket);
        Require(read.Ticket == ticket, "OneAnswer", $"read {ticket} is answered, and nobody waits for it");
        Require(result.RejectReason is not null || result.Index >= read.LastCommitted, "NoStaleRead", $"read {ticket} is granted at {result.Index}; {read.LastCommitted} was committed when {read.Node} asked");
        return With(reads: Reads.Remove(read), granted: Granted + (result.RejectReason is null ? 1 : 0));
    }

    /// <summary>A process ends, and with it all who waited there.</summary>
    public GhostState WithoutReadsOf(NodeId node) => Reads.Any(read => read.Node == node) ? With(reads: Reads.RemoveAll(read => read.Node == node)) : this;

    /// <summary>LeaderCompleteness, CommittedIsDurable.</summary>
    public void Check(ReadOnlySpan<Member> members)
    {
        for (var at = 0; at < Committed.Length; at++)
        {
            var entry = Committed[at];
            var index = new LogIndex((ulong)at + 1);
            var holders = 0;
            foreach (var member in members)
            {
                if (member.Disk.TermAt(index) == entry.Term)
                    holders++;
                Require(member.Core.Role != Role.Leader || member.Core.Term <= entry.CommittedIn || member.Core.TermAt(index) == entry.Term,
                    "LeaderCompleteness", $"{member.Id} leads term {member.Core.Term} without {entry.Term}/{index}, committed in term {entry.CommittedIn}");
            }

            Require(2 * holders > members.Length, "CommittedIsDurable", $"{entry.Term}/{index} is committed, and on {holders} of {members.Length} disks");
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

/// <summary>An entry that is committed.</summary>
/// <param name="Term">Its term.</param>
/// <param name="Proposal">The command it holds.</param>
/// <param name="CommittedIn">The term of the first who held it to be committed: the leaders of later terms hold it too.</param>
internal readonly record struct CommittedEntry(Term Term, ProposalId Proposal, Term CommittedIn);

/// <summary>A read that waits for its answer.</summary>
/// <param name="Node">Who was asked by a client.</param>
/// <param name="Ticket">Its number.</param>
/// <param name="LastCommitted">What was committed, and so may have been acknowledged, when it was asked.</param>
internal readonly record struct OpenRead(NodeId Node, ulong Ticket, LogIndex LastCommitted);
