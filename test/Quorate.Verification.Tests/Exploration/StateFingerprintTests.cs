using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.Exploration;

/// <summary>
/// The search treats two states with the same fingerprint as one and expands only the first. A field that influences the core but is
/// missing from the fingerprint would silently hide states. So states with equal fingerprints, reached on different paths, are compared by
/// their successors.
/// </summary>
public sealed class StateFingerprintTests
{
    [Theory]
    [InlineData("two-with-slow-disks")]
    [InlineData("two-that-read")]
    [InlineData("three-elect")]
    [InlineData("three-with-slow-disks")]
    [InlineData("three-with-duplicates")]
    [InlineData("two-that-lose-connections")]
    public void States_with_equal_fingerprints_have_equal_successors(string name)
    {
        var model = new ClusterModel(ModelConfigs.Find(name));
        var encoder = new StateEncoder();
        var first = new Dictionary<ulong, ClusterState>();
        var frontier = new Queue<ClusterState>();
        var (duplicates, compared) = (0, 0);
        foreach (var state in model.InitialStates)
            frontier.Enqueue(state);

        while (compared < 4_000 && frontier.TryDequeue(out var state))
        {
            foreach (var next in Successors(model, state))
            {
                var fingerprint = FingerprintOf(model, next, encoder);
                if (first.TryAdd(fingerprint, next))
                {
                    frontier.Enqueue(next);
                    continue;
                }

                // One in seven: otherwise all compared pairs would come from the first levels, where most paths meet.
                if (++duplicates % 7 != 0)
                    continue;
                compared++;
                Assert.True(
                    SuccessorFingerprints(model, first[fingerprint], encoder).SequenceEqual(SuccessorFingerprints(model, next, encoder)),
                    $"equal fingerprints, but different successors:\n{first[fingerprint]}\n\n{next}");
            }
        }

        Assert.True(compared > 300, $"only {compared} pairs were compared");
    }

    private static IEnumerable<ClusterState> Successors(ClusterModel model, ClusterState state)
    {
        var actions = new List<ClusterAction>();
        model.ActionsOf(state, actions);
        return actions.Select(action => model.Next(state, action)).OfType<ClusterState>();
    }

    private static List<ulong> SuccessorFingerprints(ClusterModel model, ClusterState state, StateEncoder encoder) =>
        [.. Successors(model, state).Select(next => FingerprintOf(model, next, encoder)).Order()];

    private static ulong FingerprintOf(ClusterModel model, ClusterState state, StateEncoder encoder)
    {
        encoder.Clear();
        return model.Fingerprint(state, encoder);
    }
}
