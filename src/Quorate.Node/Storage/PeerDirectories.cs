using System.Runtime.ExceptionServices;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>Records the data directories of the peers for the transport, and stops the node when that fails.</summary>
/// <param name="identity">The identity file, which records them.</param>
/// <param name="boundTo">The directory to which the configuration binds a member; none: it does not yet.</param>
/// <param name="onRecorded">Called with the directory of each peer that is accepted.</param>
/// <param name="signalLoop">Makes the loop run an iteration.</param>
internal sealed class PeerDirectories(
    IdentityFile identity, Func<NodeId, DirectoryId> boundTo, Action<NodeId, DirectoryId> onRecorded, Action signalLoop)
{
    private ExceptionDispatchInfo? _fault;

    /// <summary>The id of this node's data directory.</summary>
    public DirectoryId Own => identity.DirectoryId;

    /// <summary>
    /// Records the directory of a new peer; returns false if the peer is known with another directory, to this node or to the cluster.
    /// </summary>
    /// <exception cref="IOException">The disk is full, or a flush failed; the latter stops the node.</exception>
    public bool TryRecord(NodeId peer, DirectoryId directory)
    {
        try
        {
            if (boundTo(peer) is var bound && bound != DirectoryId.None && bound != directory)
                return false;
            if (!identity.TryRecordPeer(peer, directory))
                return false;
            if (directory != DirectoryId.None)
            {
                onRecorded(peer, directory);
                signalLoop();
            }

            return true;
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
