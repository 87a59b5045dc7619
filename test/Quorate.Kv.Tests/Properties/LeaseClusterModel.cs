using Quorate.Raft;

namespace Quorate.Kv.Tests.Properties;

/// <summary>
/// A cluster as far as leases are concerned: one log, members that apply it sooner or later, and time. Each member's clock has a zero of
/// its own, and all run at the same rate.
/// </summary>
internal sealed class LeaseClusterModel
{
    private readonly StoreUnderTest _store = new();
    private readonly List<Entry> _log = [];
    private readonly List<Proposal> _proposed = [];

    // The store after each entry of the log, and before the first one: what a snapshot at that entry contains.
    private readonly List<KvSnapshot> _states;

    public LeaseClusterModel(int members, Random random)
    {
        _states = [_store.Current];
        Members = [.. Enumerable.Range(0, members).Select(_ => new Member(this, random.Next(100_000)))];
        Leader = Members[0];
        BecomeLeader(Leader);
    }

    public List<Member> Members { get; }

    public Member Leader { get; private set; }

    public Term Term { get; private set; }

    /// <summary>Milliseconds since the start.</summary>
    public long Now { get; set; }

    public int ProposedCount => _proposed.Count;

    public IReadOnlyList<Lease> Leases => _store.Current.Leases();

    /// <summary>The time at which a lease that was granted or renewed by an entry is over.</summary>
    public long EndOf(in Lease lease) => _log[(int)lease.RenewedAt.Value - 1].CommittedAt + (lease.TtlSeconds * 1000);

    public void BecomeLeader(Member member)
    {
        Term = new Term(Term.Value + 1);
        Leader = member;
        foreach (var other in Members)
            other.LeadingSince = null;
        member.ApplyAll();
        member.LeadingSince = member.Now;
    }

    public void Commit(KvRequest request)
    {
        var result = _store.Apply(request);
        _log.Add(new Entry(new EntryId(Term, new LogIndex((ulong)_log.Count + 1)), result.Response, Now));
        _states.Add(_store.Current);
    }

    public void Propose(Member member, LeaseClockMeasurement measured) =>
        _proposed.Add(new Proposal(member, member.Incarnation, measured));

    /// <summary>Commits the n-th advance that was proposed, whichever term it was proposed in.</summary>
    public void CommitAdvance(int n)
    {
        var (member, incarnation, measured) = _proposed[n];
        _proposed.RemoveAt(n);
        Commit(measured.Request);
        if (member.Incarnation == incarnation && _log[^1].Response is LeaseClockAdvanceResponse { IsAccepted: true })
            member.OwnAdvances.Add((_log.Count, measured.At));
    }

    public void DropAdvance(int n) => _proposed.RemoveAt(n);

    /// <summary>Asserts that no member has a deadline of a lease that is before its end.</summary>
    public void AssertNothingIsEarly()
    {
        foreach (var member in Members.Where(m => m.IsUp))
        {
            foreach (var lease in member.Known)
            {
                var remaining = member.Deadlines.Remaining(lease.Id, member.Now)!.Value.TotalMilliseconds;
                Assert.True(
                    remaining > 0 ? Now + remaining >= EndOf(lease) : Now >= EndOf(lease),
                    $"at {Now} member {Members.IndexOf(member)} ends {lease} in {remaining} ms, but its time is over at {EndOf(lease)}");
            }
        }
    }

    private sealed record Entry(EntryId Id, KvResponse? Response, long CommittedAt);

    private sealed record Proposal(Member Member, int Incarnation, LeaseClockMeasurement Measured);

    internal sealed class Member
    {
        private readonly LeaseClusterModel _cluster;
        private readonly long _clockOffset;
        private readonly Dictionary<long, Lease> _known = [];
        private int _applied;

        public Member(LeaseClusterModel cluster, long clockOffset)
        {
            (_cluster, _clockOffset) = (cluster, clockOffset);
            Deadlines = new LeaseDeadlines(Now);
        }

        public LeaseDeadlines Deadlines { get; private set; }

        public bool IsUp { get; private set; } = true;

        public int Incarnation { get; private set; }

        public TimeSpan? LeadingSince { get; set; }

        public TimeSpan Now => TimeSpan.FromMilliseconds(_cluster.Now + _clockOffset);

        /// <summary>The leases as of the entries that this member has applied.</summary>
        public IEnumerable<Lease> Known => _known.Values;

        /// <summary>The indexes of this member's accepted advances, and when they were measured.</summary>
        public List<(int Index, TimeSpan At)> OwnAdvances { get; } = [];

        public void Stop() => (IsUp, LeadingSince) = (false, null);

        /// <summary>
        /// Starts the member again; it restores a snapshot and replays the part of the log behind it, both of which it finds on its disk.
        /// </summary>
        /// <param name="replayedCount">The number of entries on its disk.</param>
        /// <param name="snapshotCount">The number of them that the snapshot covers; 0 for no snapshot.</param>
        public void Start(int replayedCount, int snapshotCount)
        {
            IsUp = true;
            Incarnation++;
            OwnAdvances.Clear();
            _known.Clear();
            Deadlines = new LeaseDeadlines(Now);
            var count = Math.Min(replayedCount, _cluster._log.Count);
            _applied = 0;
            if (snapshotCount > 0)
                Restore(Math.Min(snapshotCount, count));
            while (_applied < count)
                Apply(Term.Zero);
        }

        /// <summary>The member receives a snapshot of entries that it has not all applied.</summary>
        public void RestoreAhead(int count) => Restore(Math.Min(_applied + count, LogCount));

        public void ApplyAll() => Apply(_cluster._log.Count);

        public void Apply(int count)
        {
            for (; count > 0 && _applied < _cluster._log.Count; count--)
                Apply(_cluster.Term);
        }

        public int LogCount => _cluster._log.Count;

        private void Restore(int count)
        {
            var state = _cluster._states[count];
            Deadlines.OnRestored(state.LeaseClock, state.Leases(), Now);
            _applied = count;
            _known.Clear();
            foreach (var lease in state.Leases())
                _known.Add(lease.Id, lease);
        }

        private void Apply(Term term)
        {
            var (id, response, _) = _cluster._log[_applied++];
            Deadlines.OnApplied(id, response, Now, term);
            foreach (var own in OwnAdvances.Where(own => own.Index == _applied))
                Deadlines.OnOwnAdvanceAccepted(id.Index, own.At);
            switch (response)
            {
                case LeaseGrantResponse granted:
                    _known[granted.Lease.Id] = granted.Lease;
                    break;
                case LeaseRenewManyResponse many:
                    foreach (var lease in many.Leases.Where(static lease => lease.TtlSeconds > 0))
                        _known[lease.Id] = lease;
                    break;
                case LeaseExpireResponse { Expired: true } expired:
                    _known.Remove(expired.Id);
                    break;
            }
        }
    }
}
