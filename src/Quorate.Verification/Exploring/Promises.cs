using System.Collections.Immutable;
using Quorate.Raft;

namespace Quorate.Verification.Exploring;

/// <summary>What has been said to clients and between members and must stay true, though whoever said it may have forgotten.</summary>
internal sealed class Promises : Part
{
    private readonly Renaming[] _renamings;

    public Promises(Renaming[] renamings)
        : base(renamings) =>
        _renamings = renamings;

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

    public LogIndex CommittedTo => new((ulong)Committed.Length);

    /// <summary>A core hands out entries to be applied.</summary>
    public Promises WithCommitted(RaftCore core, ReadOnlySpan<LogEntry> entries)
    {
        var committed = Committed;
        foreach (ref readonly var entry in entries)
        {
            var at = (int)entry.Index.Value - 1;
            if (at < committed.Length)
            {
                Demand(committed[at].Term == entry.Term && committed[at].Proposal == entry.Proposal, "StateMachineSafety", $"{core.Self} commits {entry.Id}; {committed[at].Term}/{entry.Index} was committed there");
                continue;
            }

            var proposal = entry.Proposal;
            Demand(at == committed.Length, "StateMachineSafety", $"{core.Self} commits {entry.Id}, and nothing is committed before it");
            if (proposal != ProposalId.None)
            {
                Demand(committed.All(other => other.Proposal != proposal), "OneOutcome", $"{proposal} is committed twice");
                Demand(!Rejected.Contains(proposal.Sequence), "RejectedNeverHappens", $"{proposal} was rejected, and {core.Self} commits it at {entry.Id}");
            }

            committed = committed.Add(new CommittedEntry(entry.Term, proposal, core.Term));
        }

        return committed == Committed ? this : With(committed: committed);
    }

    /// <summary>A core has become leader.</summary>
    public Promises WithLeader(RaftCore core)
    {
        var term = (int)core.Term.Value;
        var leaders = Leaders;
        while (leaders.Length < term)
            leaders = leaders.Add(NodeId.None);
        var before = leaders[term - 1];
        Demand(before == NodeId.None || before == core.Self, "ElectionSafety", $"term {term} is led by {before} and {core.Self}");
        return With(leaders: leaders.SetItem(term - 1, core.Self));
    }

    public Promises WithRejected(ProposalId proposal)
    {
        Demand(Committed.All(entry => entry.Proposal != proposal), "RejectedNeverHappens", $"{proposal} is committed, and is rejected");
        return With(rejected: Rejected.Add(proposal.Sequence).Sort());
    }

    public Promises WithRead(NodeId asker, ulong ticket) => With(reads: Reads.Add(new OpenRead(asker, ticket, CommittedTo)));

    /// <summary>A read is answered: it must show all that was committed when it was asked.</summary>
    public Promises WithAnswer(in ReadIndexResult answer)
    {
        var ticket = answer.Ticket;
        var read = Reads.FirstOrDefault(read => read.Ticket == ticket);
        Demand(read.Ticket == ticket, "OneAnswer", $"read {ticket} is answered, and nobody waits for it");
        Demand(answer.RejectReason is not null || answer.Index >= read.CommittedTo, "NoStaleRead", $"read {ticket} is granted at {answer.Index}; {read.CommittedTo} was committed when {read.Asker} asked");
        return With(reads: Reads.Remove(read), granted: Granted + (answer.RejectReason is null ? 1 : 0));
    }

    /// <summary>A process ends, and with it all who waited there.</summary>
    public Promises WithoutReadsOf(NodeId asker) => Reads.Any(read => read.Asker == asker) ? With(reads: Reads.RemoveAll(read => read.Asker == asker)) : this;

    /// <summary>LeaderCompleteness, CommittedIsDurable.</summary>
    public void HoldIn(ReadOnlySpan<Member> members)
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
                Demand(member.Core.Role != Role.Leader || member.Core.Term <= entry.CommittedIn || member.Core.TermAt(index) == entry.Term,
                    "LeaderCompleteness", $"{member.Id} leads term {member.Core.Term} without {entry.Term}/{index}, committed in term {entry.CommittedIn}");
            }

            Demand(2 * holders > members.Length, "CommittedIsDurable", $"{entry.Term}/{index} is committed, and on {holders} of {members.Length} disks");
        }
    }

    protected override void Write(in Renaming state)
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
            state.Node(read.Asker);
            state.Number(read.Ticket);
            state.Number(read.CommittedTo.Value);
        }

        state.Number((ulong)Rejected.Length);
        foreach (var sequence in Rejected)
            state.Number(sequence);
    }

    private static void Demand(bool holds, string promise, string what)
    {
        if (!holds)
            throw new ViolationException(promise, what);
    }

    private Promises With(
        ImmutableArray<CommittedEntry>? committed = null, ImmutableArray<NodeId>? leaders = null, ImmutableArray<OpenRead>? reads = null,
        ImmutableArray<ulong>? rejected = null, int? granted = null) => new(_renamings)
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
/// <param name="Asker">Who was asked by a client.</param>
/// <param name="Ticket">Its number.</param>
/// <param name="CommittedTo">What was committed, and so may have been acknowledged, when it was asked.</param>
internal readonly record struct OpenRead(NodeId Asker, ulong Ticket, LogIndex CommittedTo);
