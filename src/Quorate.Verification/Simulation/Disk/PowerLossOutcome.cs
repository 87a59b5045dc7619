namespace Quorate.Verification.Simulation.Disk;

/// <summary>The outcome of a power cut for the data that was not flushed.</summary>
internal enum PowerLossOutcome
{
    /// <summary>All of it is lost.</summary>
    Dropped,

    /// <summary>All of it is on the disk.</summary>
    Kept,

    /// <summary>Each sector and each file name is kept or lost at random: torn writes.</summary>
    Mixed,
}

/// <summary>
/// Thrown to end a process in the middle of a disk call or an iteration, because the power is cut or the process is killed.
/// </summary>
internal sealed class SimulatedCrashException() : Exception("the power is off");
