namespace Quorate.Verification;

/// <summary>Whether the members of a simulated cluster have leader leases, and whether clocks keep within the bounds.</summary>
public enum LeaseSimulation
{
    /// <summary>No leases.</summary>
    Off = 0,

    /// <summary>Leases, and clocks whose rates differ by no more than the leaders assume.</summary>
    WithinBounds = 1,

    /// <summary>Leases of leaders that assume equal rates, while clocks differ and jump: reads by lease may be stale.</summary>
    BeyondBounds = 2,
}
