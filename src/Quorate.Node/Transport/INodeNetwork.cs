namespace Quorate.Node.Transport;

/// <summary>The network as the node that owns it sees it: what its loop uses, what was counted, and the end.</summary>
internal interface INodeNetwork : INetwork, IAsyncDisposable
{
    /// <summary>What has been counted so far.</summary>
    TransportCounters Counters { get; }
}

/// <summary>Connects a node: production to its peers, a test to nobody.</summary>
/// <param name="options">Who the node is, and where its peers are.</param>
/// <param name="incarnations">Which folder it has, and which peers it has met.</param>
/// <param name="onReady">Called when something has arrived for a loop that may be asleep.</param>
internal delegate INodeNetwork NetworkStarter(RaftNodeOptions options, IncarnationStore incarnations, Action onReady);
