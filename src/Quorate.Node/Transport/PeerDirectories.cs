using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The directory ids that a handshake verifies: those of this node's data directory and of its peers' data directories.</summary>
/// <param name="identity">The identity file, which records them; null: directory ids are not verified.</param>
/// <param name="onFault">Called when a flush has failed: it stops the node.</param>
internal sealed class PeerDirectories(IdentityFile? identity, Action<Exception> onFault)
{
    /// <summary>The id of this node's data directory; 0 without one.</summary>
    public ulong Own => identity?.DirectoryId.Value ?? 0;

    /// <summary>Records the data directory of a new peer; returns false if the peer is known with another directory.</summary>
    /// <remarks>A failed flush stops the node. While the disk is full, no new peer is accepted.</remarks>
    public bool TryRecord(NodeId peer, ulong directory)
    {
        try
        {
            return identity?.TryRecordPeer(peer, new DirectoryId(directory)) ?? true;
        }
        catch (DiskFlushException fault)
        {
            onFault(fault);
            throw;
        }
    }
}
