namespace Quorate.Kv.Mvcc;

/// <summary>Sums of <see cref="RecordHash"/> over everything that commands have changed, modulo 2^64.</summary>
/// <param name="Written">Over each version ever written, deletions too.</param>
/// <param name="Swept">Over each version that a compaction has removed from the history.</param>
/// <param name="LeaseChanges">Over each change of a lease: grant, renewal, clock anchor, end.</param>
/// <remarks>
/// <code>
///   written                 what the members compare: the same on each, however far it has swept
///   written less swept      the sum over the versions that the history contains, which can be computed from it at any time
/// </code>
/// When the second differs from the content, the memory has changed without a command.
/// </remarks>
internal readonly record struct StateSums(ulong Written, ulong Swept, ulong LeaseChanges)
{
    /// <summary>The size of the sums in a snapshot.</summary>
    public const int Bytes = 3 * sizeof(ulong);

    /// <summary>The sum over the versions of the history.</summary>
    public ulong History => Written - Swept;
}
