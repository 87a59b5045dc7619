using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The incarnations that a handshake verifies: those of this node's data directory and of its peers' data directories.</summary>
/// <param name="store">The recorded incarnations; null: incarnations are not verified.</param>
/// <param name="onFault">Called when a flush has failed: it stops the node.</param>
internal sealed class PeerIncarnations(IncarnationStore? store, Action<Exception> onFault)
{
    /// <summary>The incarnation of this node's data directory; 0 without one.</summary>
    public ulong Own => store?.Own ?? 0;

    /// <summary>Records the incarnation of a new peer; returns false if the peer is known with another incarnation.</summary>
    /// <remarks>A failed flush stops the node. While the disk is full, no new peer is accepted.</remarks>
    public bool TryRecord(NodeId peer, ulong incarnation)
    {
        try
        {
            return store?.TryRecord(peer, incarnation) ?? true;
        }
        catch (DiskFlushException fault)
        {
            onFault(fault);
            throw;
        }
    }
}
