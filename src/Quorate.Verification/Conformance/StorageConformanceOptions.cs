using Quorate.Node.Storage;

namespace Quorate.Verification.Conformance;

/// <summary>What <see cref="StorageConformance"/> needs to know about an implementation of <see cref="IStorage"/>.</summary>
public sealed record StorageConformanceOptions
{
    /// <summary>
    /// Creates a new, empty directory and returns a function that opens it. The suite opens a directory again after it has disposed the
    /// storage (if that is <see cref="IDisposable"/>), as the next process would.
    /// </summary>
    public required Func<Func<IStorage>> NewDirectory { get; init; }

    /// <summary>
    /// Returns what the next process finds after a power loss now, given the open storage; null if the implementation cannot simulate one.
    /// Default null: the checks of a power loss are left out.
    /// </summary>
    public Func<IStorage, IStorage>? AfterPowerLoss { get; init; }

    /// <summary>
    /// Whether opening a directory that is open fails, as the node relies on in production. Default true; false for a storage in memory
    /// that only one node can have.
    /// </summary>
    public bool IsExclusive { get; init; } = true;

    /// <summary>
    /// Whether several threads use the storage, as in a node. Default true; false for a storage of a simulation, which has one thread.
    /// </summary>
    public bool IsUsedByThreads { get; init; } = true;
}
