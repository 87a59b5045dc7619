using Quorate.Node.Storage;

namespace Quorate.Node.Transport;

/// <summary>The network as the node that owns it sees it: the driver's interface, the counters, and disposal.</summary>
internal interface INodeNetwork : INetwork, IAsyncDisposable
{
    /// <summary>The current counters.</summary>
    TransportCounters Counters { get; }
}

/// <summary>Starts the network of a node: TCP in production, a fake in tests.</summary>
/// <param name="options">The id of the node and the addresses of its peers.</param>
/// <param name="identity">The identity of the node's data directory, and the directories of its known peers.</param>
/// <param name="onReady">Called when an event has arrived and the loop may be sleeping.</param>
internal delegate INodeNetwork NetworkStarter(RaftNodeOptions options, IdentityFile identity, Action onReady);
