namespace Quorate.Verification.Simulation.Disk;

/// <summary>What a power cut leaves of what was not flushed.</summary>
internal enum PowerLossOutcome
{
    /// <summary>Nothing.</summary>
    Dropped,

    /// <summary>All of it.</summary>
    Kept,

    /// <summary>Each sector and each name by the fall of a coin: torn writes.</summary>
    Mixed,
}

/// <summary>The machine ends here, in the middle of whatever it does.</summary>
internal sealed class PowerCutException() : Exception("the power is off");
