namespace Quorate.Server.Watching;

/// <summary>Options of watch streams.</summary>
internal sealed record WatchOptions
{
    /// <summary>The idle time after which a watcher created with progress_notify receives a progress notification.</summary>
    /// <remarks>
    /// Default 10 minutes, as in etcd. Too short: idle watchers cause traffic. Too long: clients resume from an old revision.
    /// </remarks>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The size from which a response is fragmented for a watcher that accepts fragments, bytes.</summary>
    /// <remarks>Default 1.5 MiB, the maximum request size; etcd fragments at the same size.</remarks>
    public int FragmentBytesMax { get; init; } = 1_572_864;

    /// <summary>The maximum number of watchers on one stream; further ones are rejected.</summary>
    /// <remarks>Default 100 000. Each watcher takes about 800 bytes; while its keys do not change, it takes no processor time.</remarks>
    public int WatchersPerStreamMax { get; init; } = 100_000;
}
