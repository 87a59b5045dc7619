using BenchmarkDotNet.Attributes;
using Quorate.Raft;

namespace Quorate.Benchmarks.Raft;

/// <summary>
/// The cost of one driver iteration for the Raft core of a three-node cluster in steady state. It must allocate nothing; all payloads share
/// one array.
/// </summary>
[MemoryDiagnoser]
public class RaftCoreBenchmarks
{
    private readonly Effects _effects = new();
    private readonly byte[] _payload = new byte[64];
    private readonly AppendEntriesReply[] _replies = [new(), new()];
    private readonly AppendEntries _append = new();
    private readonly LogEntry[] _entries = new LogEntry[64];
    private RaftCore _leader = null!;
    private RaftCore _follower = null!;
    private Proposal[] _proposals = [];
    private ulong _sequence;
    private LogIndex _last;

    /// <summary>Proposals or entries per iteration.</summary>
    [Params(1, 64)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var members = new Configuration([new NodeId(1), new NodeId(2), new NodeId(3)]);
        _proposals = new Proposal[Batch];
        _leader = new RaftCore(new RaftOptions { Self = new NodeId(1) }, new DurableState { Configuration = members });
        while (_leader.Role != Role.PreCandidate)
            _leader.Step(Input.Tick, _effects);
        _leader.Step(
            Input.Received(
            new RequestVoteReply { From = new NodeId(2), To = new NodeId(1), PreVote = true, Granted = true, Term = new Term(1) }),
            _effects);
        _leader.Step(Input.Durable(_effects.Append.Token), _effects);
        _leader.Step(Input.Received(new RequestVoteReply { From = new NodeId(2), To = new NodeId(1), Granted = true, Term = new Term(1) }),
            _effects);
        CompleteIteration(_effects.Append.Token);

        _follower = new RaftCore(new RaftOptions { Self = new NodeId(2) }, new DurableState { Configuration = members });
        _append.From = new NodeId(1);
        _append.To = new NodeId(2);
        _append.Term = new Term(1);

        // Warm up to the steady state: the caches have reached their limits, and each new entry evicts an old one.
        for (var i = 0; i < 400_000 / Batch; i++)
        {
            LeaderIteration();
            FollowerIteration();
        }
    }

    /// <summary>One iteration of the leader: proposals, the appends that carry them, its own flush, two replies, commit, apply.</summary>
    [Benchmark]
    public ulong LeaderIteration()
    {
        for (var i = 0; i < _proposals.Length; i++)
            _proposals[i] = new Proposal(new ProposalId(new NodeId(1), ++_sequence), _payload);
        _leader.Step(Input.Propose(_proposals), _effects);
        return CompleteIteration(_effects.Append.Token);
    }

    /// <summary>One iteration of a follower: an append with entries, its flush, apply.</summary>
    [Benchmark]
    public ulong FollowerIteration()
    {
        for (var i = 0; i < Batch; i++)
            _entries[i] = new LogEntry(new EntryId(new Term(1), _last + i + 1), EntryKind.Command,
                new ProposalId(new NodeId(1), _last.Value), _payload);
        _append.Previous = new EntryId(_last == LogIndex.Zero ? Term.Zero : new Term(1), _last);
        _append.Entries = _entries.AsMemory(0, Batch);
        _last += Batch;
        _append.LeaderCommit = _last;
        _follower.Step(Input.Received(_append), _effects);
        _follower.Step(Input.Durable(_effects.Append.Token), _effects);
        _follower.Step(Input.Applied(_last), _effects);
        _follower.Step(Input.EndOfIteration, _effects);
        return _follower.CommitIndex.Value;
    }

    private ulong CompleteIteration(ulong token)
    {
        _leader.Step(Input.EndOfIteration, _effects);
        _leader.Step(Input.Durable(token), _effects);
        for (ulong peer = 2; peer <= 3; peer++)
        {
            var reply = _replies[peer - 2];
            reply.From = new NodeId(peer);
            reply.To = new NodeId(1);
            reply.Term = _leader.Term;
            reply.Accepted = true;
            reply.Index = _leader.LastIndex;
            _leader.Step(Input.Received(reply), _effects);
        }

        if (_leader.AppliedIndex < _leader.ApplyingIndex)
            _leader.Step(Input.Applied(_leader.ApplyingIndex), _effects);
        _leader.Step(Input.EndOfIteration, _effects);
        return _leader.CommitIndex.Value;
    }
}
