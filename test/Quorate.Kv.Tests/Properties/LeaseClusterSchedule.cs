namespace Quorate.Kv.Tests.Properties;

/// <summary>
/// Runs a <see cref="LeaseClusterModel"/> as servers do, with the rounds of each member, and kills its leaders. A majority is
/// always up.
/// </summary>
internal sealed class LeaseClusterSchedule
{
    /// <summary>The longest time until a new leader has committed an entry.</summary>
    public const int ElectionMsMax = 1_200;

    private const int StepMs = 50;
    private const int LeaseCountMax = 250;
    private static readonly int RoundMs = (int)LeaseDeadlines.RoundPeriod.TotalMilliseconds;

    private readonly LeaseClusterModel _cluster;
    private readonly Random _random;
    private readonly int _msBetweenKills;
    private readonly int[] _roundPhase;
    private long _nextKill;
    private long _electedAt = -1;
    private (LeaseClusterModel.Member Member, long At)? _restart;

    public LeaseClusterSchedule(LeaseClusterModel cluster, Random random)
    {
        (_cluster, _random, _msBetweenKills) = (cluster, random, random.Next(3_000, 12_000));
        _roundPhase = [.. cluster.Members.Select(_ => random.Next(RoundMs / StepMs) * StepMs)];
        _nextKill = random.Next(_msBetweenKills);
    }

    public void RunStep()
    {
        _cluster.Now += StepMs;
        if (_restart is var (restarting, at) && _cluster.Now >= at)
        {
            // What it finds on its disk may be behind what it had applied.
            restarting.Start(restarting.LogCount - _random.Next(5), _random.Next(restarting.LogCount + 1) * _random.Next(2));
            _restart = null;
        }

        if (_electedAt < 0 && _cluster.Now >= _nextKill && _restart is null)
        {
            _cluster.Leader.Stop();
            _restart = (_cluster.Leader, _cluster.Now + _random.Next(2_500));
            _electedAt = _cluster.Now + _random.Next(200, ElectionMsMax);
            _nextKill += _msBetweenKills;
        }

        if (_electedAt >= 0 && _cluster.Now >= _electedAt)
        {
            _electedAt = -1;
            var candidates = _cluster.Members.Where(static m => m.IsUp).ToList();
            _cluster.BecomeLeader(candidates[_random.Next(candidates.Count)]);
        }

        if (_electedAt >= 0)
            return;
        for (var i = 0; i < _cluster.Members.Count; i++)
            RunRound(_cluster.Members[i], _roundPhase[i]);
        while (_cluster.ProposedCount > 0)
            _cluster.CommitAdvance(0);
        foreach (var member in _cluster.Members.Where(static m => m.IsUp))
            member.ApplyAll();
    }

    private void RunRound(LeaseClusterModel.Member member, int phase)
    {
        if (!member.IsUp || _cluster.Now % RoundMs != phase)
            return;
        member.Deadlines.Refresh();
        if (member.Deadlines.Measure(member.Now, _cluster.Term, member.LeadingSince) is { } measured)
            _cluster.Propose(member, measured);
        if (member != _cluster.Leader)
            return;
        foreach (var lease in member.Deadlines.GetExpired(member.Now, LeaseCountMax))
            _cluster.Commit(new LeaseExpireRequest(lease.Id, lease.RenewedAt));
    }
}
