namespace Quorate.Raft;

/// <summary>Whether a node can write its log, as its driver observes it.</summary>
public enum StorageHealth : byte
{
    /// <summary>Writes complete.</summary>
    Healthy = 0,

    /// <summary>Space is short: the node writes, but commands that take more space are rejected.</summary>
    LowSpace = 1,

    /// <summary>There is no space: writes fail without a change, and are repeated.</summary>
    Full = 2,

    /// <summary>A write has been running for longer than an election timeout.</summary>
    Stalled = 3,
}
