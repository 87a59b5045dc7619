using System.Net.Sockets;

namespace Quorate.Server.Hosting;

/// <summary>Bounds the number of client connections, so that clients cannot take the last file descriptors of the process.</summary>
/// <remarks>
/// Without descriptors the process could not create the next segment of the write-ahead log and would end; it could not accept a peer
/// either. Two bounds hold: the number of connections, and, for whatever else the process has open, the number of the descriptor of a new
/// connection. A system call returns the lowest descriptor that is free, so a high number means that all below it are in use.
/// Threading: any thread.
/// </remarks>
internal sealed class ClientConnectionLimiter
{
    /// <summary>
    /// The descriptors that stay free whatever is open, for the next segments of the log and the handshakes of peers: a quarter of those
    /// that are free at the start, within these bounds.
    /// </summary>
    private const int ReserveMin = 16, ReserveMax = 64;

    /// <summary>What the process opens with its first calls: the runtime keeps a descriptor for each assembly that it has loaded.</summary>
    private const int OpenedLater = 48;

    // With fewer, the member is of no use. A process with such a low limit may have to wait for descriptors.
    private const int ConnectionsMin = 16;

    /// <summary>The bound when the system has no limit, or none that can be read. Each idle connection takes some kilobytes.</summary>
    private const int ConnectionsMaxDefault = 65_536;

    private readonly int _descriptorMax;
    private int _count;

    /// <param name="connectionsMax">The maximum number of connections.</param>
    /// <param name="descriptorMax">The highest descriptor that a connection may have.</param>
    public ClientConnectionLimiter(int connectionsMax, int descriptorMax)
    {
        ConnectionsMax = connectionsMax;
        _descriptorMax = descriptorMax;
    }

    /// <summary>Creates the limiter of a process.</summary>
    /// <param name="limit">The limit of open files; null if it is not known.</param>
    /// <param name="open">The number of files that are open before clients are accepted.</param>
    public static ClientConnectionLimiter FromOpenFileLimit(int? limit, int open)
    {
        if (limit is not { } files)
            return new(ConnectionsMaxDefault, int.MaxValue);
        var free = files - open - OpenedLater;
        var reserve = int.Clamp(free / 4, ReserveMin, ReserveMax);
        return new(int.Clamp(free - reserve, ConnectionsMin, ConnectionsMaxDefault), files - reserve);
    }

    /// <summary>The maximum number of connections.</summary>
    public int ConnectionsMax { get; }

    /// <summary>The number of connections.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts a connection that was accepted; returns false if it must be closed instead.</summary>
    public bool TryAcquire(Socket accepted) =>
        TryAcquire(OperatingSystem.IsWindows() ? 0 : (int)accepted.SafeHandle.DangerousGetHandle());

    /// <summary>Counts a connection with this descriptor.</summary>
    internal bool TryAcquire(int descriptor)
    {
        if (descriptor > _descriptorMax)
            return false;
        if (Interlocked.Increment(ref _count) <= ConnectionsMax)
            return true;
        Release();
        return false;
    }

    /// <summary>Ends the count of a connection, when its descriptor is closed.</summary>
    public void Release() => Interlocked.Decrement(ref _count);
}
