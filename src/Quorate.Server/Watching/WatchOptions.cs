namespace Quorate.Server.Watching;

/// <summary>How watch streams are run.</summary>
internal sealed record WatchOptions
{
    /// <summary>How long a watcher that asked for it hears nothing before it is told how far it is.</summary>
    /// <remarks>Default 10 minutes, as etcd's. Too short and idle watchers cause traffic; too long and clients resume from far behind.</remarks>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How large an answer may be before it is cut for a watcher that takes fragments, bytes.</summary>
    /// <remarks>Default 1.5 MiB, which is as large as a request may be. etcd cuts there too.</remarks>
    public int FragmentBytesMax { get; init; } = 1_572_864;

    /// <summary>The most watchers on one stream; the next is refused.</summary>
    /// <remarks>Default 100 000. Each takes about 300 bytes and a look at every revision.</remarks>
    public int WatchersPerStreamMax { get; init; } = 100_000;
}
