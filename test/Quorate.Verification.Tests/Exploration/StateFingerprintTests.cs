using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.Exploration;

/// <summary>
/// A search takes two states with one encoding for one state, and looks behind the first only. A field that decides what a core does and is not written would hide states,
/// silently. So states met on different ways are compared by what comes of them.
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
        var met = new Dictionary<ulong, ClusterState>();
        var frontier = new Queue<ClusterState>();
        var (again, compared) = (0, 0);
        foreach (var state in model.InitialStates)
            frontier.Enqueue(state);

        while (compared < 4_000 && frontier.TryDequeue(out var state))
        {
            foreach (var next in Successors(model, state))
            {
                var fingerprint = FingerprintOf(model, next, encoder);
                if (met.TryAdd(fingerprint, next))
                {
                    frontier.Enqueue(next);
                    continue;
                }

                // One in seven, or the beginning, where most ways meet, would be all that is looked at.
                if (++again % 7 != 0)
                    continue;
                compared++;
                Assert.True(
                    SuccessorFingerprints(model, met[fingerprint], encoder).SequenceEqual(SuccessorFingerprints(model, next, encoder)),
                    $"taken for equal, and not equal in what comes of them:\n{met[fingerprint]}\n\n{next}");
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
