namespace Quorate.Raft;

/// <summary>What a configuration states about one member, besides its role.</summary>
/// <remarks>
/// <code>
///   Initial ── the leader has authenticated contact ──► Bound to a data directory         a member the cluster was created with
///   Unbound ── the same ─────────────────────────────► Bound                              a member that was added
/// </code>
/// The directory of a bound member never changes; a member that has lost it is replaced by a member with another id. The vote and the
/// acknowledgements of an unbound member do not count: its disk could have been replaced since. Those of an initial member count, because
/// nobody could elect a first leader otherwise.
/// Shape: compared by value. <see cref="Address"/> and <see cref="Data"/> have together at most <see cref="TextBytesMax"/> bytes of UTF-8.
/// Source: the binding, Kafka KIP-853.
/// </remarks>
public sealed record Member
{
    /// <summary>The most bytes of <see cref="Address"/> and <see cref="Data"/> together, as UTF-8.</summary>
    public const int TextBytesMax = 1024;

    /// <summary>The id; never used for another member, not even after this one was removed.</summary>
    public required NodeId Id { get; init; }

    /// <summary>The data directory to which the member is bound; none while it is initial or unbound.</summary>
    public DirectoryId Directory { get; init; }

    /// <summary>Whether the cluster was created with this member, and it is not bound yet.</summary>
    public bool IsInitial { get; init; }

    /// <summary>Whether the leader makes this learner a voter once it has caught up and stayed so.</summary>
    public bool PromoteWhenReady { get; init; }

    /// <summary>Where peers reach the member, as the transport reads it; empty: the options of each node state it.</summary>
    public string Address { get; init; } = "";

    /// <summary>What the program stores about the member, for example its name; the library does not read it.</summary>
    public string Data { get; init; } = "";

    /// <summary>Whether the votes and the acknowledgements of the member count.</summary>
    public bool IsCounted => IsInitial || Directory != DirectoryId.None;

    /// <summary>Returns a member with which a cluster is created.</summary>
    public static Member Initial(NodeId id) => new() { Id = id, IsInitial = true };

    /// <summary>Returns this member, bound to its data directory.</summary>
    public Member BoundTo(DirectoryId directory) => this with { Directory = directory, IsInitial = false };
}
