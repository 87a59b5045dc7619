using System.Diagnostics.CodeAnalysis;

namespace Quorate.Node.Transport;

/// <summary>
/// The connections whose handshake request has not arrived in full, the oldest first. When there are too many, it chooses one to close.
/// </summary>
/// <remarks>
/// A stranger cannot displace a peer: the oldest connection that comes from no address of a peer is closed first. Without such a
/// connection, the oldest of the address with the most connections is closed, so that one address cannot displace the others. A peer sends
/// its request at once, so it needs its slot for a moment only, even where all peers and all strangers share one address.
/// </remarks>
internal sealed class HandshakeSlots(int max)
{
    private readonly List<PendingHandshake> _pending = new(max + 1);

    /// <summary>The connections, the oldest first.</summary>
    public IReadOnlyList<PendingHandshake> Pending => _pending;

    /// <summary>Adds a connection. Returns true if another one, or the new one itself, has to be closed and removed.</summary>
    public bool Add(PendingHandshake connection, [NotNullWhen(true)] out PendingHandshake? excess)
    {
        _pending.Add(connection);
        excess = _pending.Count > max ? ChooseExcess() : null;
        return excess is not null;
    }

    public void Remove(PendingHandshake connection) => _pending.Remove(connection);

    private PendingHandshake ChooseExcess() =>
        _pending.Find(static connection => !connection.IsFromPeerAddress)
        ?? _pending.GroupBy(static connection => connection.Remote.Address).MaxBy(static group => group.Count())!.First();
}
