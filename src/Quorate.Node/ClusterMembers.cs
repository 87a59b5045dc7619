using System.Net.Sockets;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The members of a running cluster, as one of them states them to a node that wants to join.</summary>
/// <remarks>
/// A node that joins needs the id of the cluster and its own member id before it can create its data directory. It requests them on the
/// peer port of a member, where the members know each other's addresses. The request needs the <see cref="PeerSecret"/> if the cluster has
/// one. Format: docs/formats/wire.md.
/// </remarks>
public sealed class ClusterMembers
{
    private static readonly TimeSpan QueryTimeout = TimeSpan.FromSeconds(2);

    internal ClusterMembers(ulong clusterId, NodeId from, ConfigurationAt configuration) =>
        (ClusterId, From, Configuration) = (clusterId, from, configuration);

    /// <summary>The id of the cluster.</summary>
    public ulong ClusterId { get; }

    /// <summary>The member that has answered.</summary>
    public NodeId From { get; }

    /// <summary>
    /// The committed configuration as that member knows it; it may lag. A member of the initial cluster has the address that the options of
    /// the answering member state.
    /// </summary>
    public ConfigurationAt Configuration { get; }

    /// <summary>Requests the members of the cluster from one of them.</summary>
    /// <param name="address">The peer address of the member.</param>
    /// <param name="secret">The secret of the cluster; null: it has none.</param>
    /// <param name="cancellationToken">Cancels the request, which takes at most two seconds.</param>
    /// <exception cref="IOException">
    /// The member cannot be reached, does not answer in time, or rejects the request; the message states which.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<ClusterMembers> QueryAsync(
        PeerAddress address, PeerSecret? secret = null, CancellationToken cancellationToken = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(QueryTimeout);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(await address.ResolveAsync(timeout.Token).ConfigureAwait(false), address.Port, timeout.Token)
                .ConfigureAwait(false);
            using var stream = new NetworkStream(socket, ownsSocket: false);
            return await MembersRequest.RunAsync(stream, secret, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException timedOut) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{address} did not answer within {QueryTimeout.TotalSeconds} s", timedOut);
        }
        catch (Exception fault) when (fault is SocketException or EndOfStreamException or WireFormatException)
        {
            throw new IOException($"{address} did not answer: {fault.Message}", fault);
        }
        catch (HandshakeRejectedException rejected)
        {
            throw new IOException($"{address} rejected the request: {rejected.Message}", rejected);
        }
    }
}
