using System.Runtime.ExceptionServices;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>Records the data directories of the peers for the transport, and stops the node when that fails.</summary>
/// <param name="identity">The identity file, which records them.</param>
/// <param name="signalLoop">Makes the loop run an iteration.</param>
internal sealed class PeerDirectories(IdentityFile identity, Action signalLoop)
{
    private ExceptionDispatchInfo? _fault;

    /// <summary>The id of this node's data directory.</summary>
    public DirectoryId Own => identity.DirectoryId;

    /// <summary>Records the directory of a new peer; returns false if the peer is known with another directory.</summary>
    /// <exception cref="IOException">The disk is full, or a flush failed; the latter stops the node.</exception>
    public bool TryRecord(NodeId peer, DirectoryId directory)
    {
        try
        {
            return identity.TryRecordPeer(peer, directory);
        }
        catch (DiskFlushException fault)
        {
            Interlocked.CompareExchange(ref _fault, ExceptionDispatchInfo.Capture(fault), null);
            signalLoop();
            throw;
        }
    }

    /// <summary>Throws the exception of a failed flush. The loop calls it in each iteration, so that the node stops.</summary>
    public void ThrowIfFailed() => Volatile.Read(ref _fault)?.Throw();
}
