using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>The leader leases of a run: their length, and the bound on the drift of clocks that the leaders assume.</summary>
/// <param name="Duration">The lease that each member requests while it leads.</param>
/// <param name="ClockDriftMax">The fraction by which the clocks of two members are assumed to differ in rate.</param>
/// <param name="MayClocksJump">Whether clocks may jump ahead of time, which no bound on their rate allows.</param>
internal sealed record SimulatedLeases(TimeSpan Duration, double ClockDriftMax, bool MayClocksJump)
{
    /// <summary>
    /// Beyond the bounds: one clock may run nine times as fast as another. At three times, elections take longer than leases.
    /// </summary>
    public const int DriftPerMilleBeyondBounds = 800;

    /// <summary>Draws the leases of a run from a stream of their own; null if it has none.</summary>
    public static SimulatedLeases? Draw(ulong seed, SwarmOptions swarm, LeaseSimulation mode)
    {
        if (mode == LeaseSimulation.Off)
            return null;

        // The longest lease that members grant ends with the election timeout.
        var ticksMax = (10 * swarm.ElectionHeartbeats) - RaftCore.LateTicksMax - 1;
        var perMille = mode == LeaseSimulation.BeyondBounds ? 1_000 : Prng.Derive(seed, "leader leases").Pick(300, 600, 1_000);
        var milliseconds = ticksMax * swarm.HeartbeatMs / 10 * perMille / 1_000;

        // The slowest clock of a leader and the fastest one of a follower.
        var drift = swarm.DriftPerMille / 1_000.0;
        return mode == LeaseSimulation.WithinBounds
            ? new SimulatedLeases(TimeSpan.FromMilliseconds(milliseconds), 2 * drift / (1 + drift), MayClocksJump: false)
            : new SimulatedLeases(TimeSpan.FromMilliseconds(milliseconds), 0, MayClocksJump: true);
    }
}
