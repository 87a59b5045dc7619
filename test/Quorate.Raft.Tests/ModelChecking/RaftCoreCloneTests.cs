using System.Collections;
using System.Reflection;

namespace Quorate.Raft.Tests.ModelChecking;

/// <summary>
/// The explorer steps clones of cores. A field that a clone lacks, or shares with its original, would let one state leak into another.
/// </summary>
public sealed class RaftCoreCloneTests
{
    /// <summary>Immutable types, which clones may share.</summary>
    private static readonly Type[] Shared = [typeof(RaftOptions), typeof(Configuration)];

    [Fact]
    public void A_clone_is_equal_in_every_field_and_shares_no_mutable_state()
    {
        foreach (var core in BusyCores())
            Compare(core, core.Clone(), nameof(RaftCore));
    }

    [Fact]
    public void Stepping_a_clone_leaves_the_original_unchanged()
    {
        foreach (var core in BusyCores())
        {
            var (before, clone, effects) = (core.Clone(), core.Clone(), new Effects());
            for (var i = 0; i < 100; i++)
                clone.Step(Input.Tick, effects);
            clone.Step(Input.EndOfIteration, effects);

            Compare(before, core, nameof(RaftCore));
        }
    }

    /// <summary>Cores in which every collection has elements.</summary>
    private static IEnumerable<RaftCore> BusyCores()
    {
        var leader = Given.Leader(id: 1, term: 3, log: [1, 2], settled: true);
        var forward = new ForwardProposals
        {
            From = Given.Node(2), To = Given.Node(1), Term = new Term(3),
            Proposals = new[] { new Proposal(new ProposalId(Given.Node(2), 9), new byte[] { 1 }) },
        };
        var effects = new Effects();
        leader.Core!.Step(Input.Received(forward), effects);
        leader.Core.Step(Input.Read(7), effects);
        leader.Core.Step(Input.Propose(new[] { new Proposal(new ProposalId(Given.Node(1), 5), new byte[] { 2 }) }), effects);
        leader.Core.Step(Input.TransferLeadership(Given.Node(2), ticket: 3), effects);
        leader.Core.Step(Input.EndOfIteration, effects);
        yield return leader.Core;

        var follower = Given.Follower(id: 2, term: 3, log: [1, 2], leader: 1);
        follower.Core!.Step(Input.Read(8), effects);
        follower.Core.Step(Input.Propose(new[] { new Proposal(new ProposalId(Given.Node(2), 5), new byte[] { 2 }) }), effects);
        follower.Core.Step(Input.EndOfIteration, effects);
        yield return follower.Core;

        yield return Given.PreCandidate(id: 3, term: 2, log: [1]).Core!;
    }

    private static void Compare(object? a, object? b, string path)
    {
        if (a is null || b is null || a.GetType().IsPrimitive || a.GetType().IsEnum)
        {
            Assert.True(Equals(a, b), $"{path}: {a} and {b}");
        }
        else if (!Shared.Contains(a.GetType()))
        {
            var isImmutable = a.GetType().IsValueType || (a is Array { Length: 0 });
            Assert.True(isImmutable || !ReferenceEquals(a, b), $"{path} is shared");
            if (a is IEnumerable items && a.GetType().Namespace != "System")
                CompareItems(items, (IEnumerable)b, path);
            else if (a is RaftLog log)
                CompareLogs(log, (RaftLog)b, path);
            else
                CompareFields(a, b, path);
        }
    }

    private static void CompareFields(object a, object b, string path)
    {
        // The bytes of a command never change; two views of them are equal when they cover the same range.
        if (a is Array first)
            CompareItems(first, (Array)b, path);
        else if (a is LogEntry or Proposal)
            Assert.Equal(a, b);
        else
        {
            foreach (var field in a.GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
                Compare(field.GetValue(a), field.GetValue(b), $"{path}.{field.Name}");
        }
    }

    private static void CompareItems(IEnumerable a, IEnumerable b, string path)
    {
        var (first, second) = (a.Cast<object>().ToList(), b.Cast<object>().ToList());
        Assert.True(first.Count == second.Count, $"{path}: {first.Count} and {second.Count} items");
        for (var i = 0; i < first.Count; i++)
            Compare(first[i], second[i], $"{path}[{i}]");
    }

    /// <summary>Compares two logs without their cache layout: clones may keep the same entries at other array positions.</summary>
    private static void CompareLogs(RaftLog a, RaftLog b, string path)
    {
        foreach (var field in typeof(RaftLog).GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
                     .Where(static field => field.Name is not ("_cache" or "_cacheStart")))
            Compare(field.GetValue(a), field.GetValue(b), $"{path}.{field.Name}");
        for (var index = a.CachedFirst; index <= a.LastIndex; index += 1)
            Assert.Equal(a.Cached(index), b.Cached(index));
    }
}
