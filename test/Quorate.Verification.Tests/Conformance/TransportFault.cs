namespace Quorate.Verification.Tests.Conformance;

/// <summary>What a wrong transport does wrong.</summary>
public enum TransportFault
{
    ChangesMessages,
    KeepsTheMessageObject,
    ReusesPayloadMemory,
    OvertakesMessages,
    DuplicatesMessages,
    SkipsSignals,
    HasUnboundedQueues,
    CountsNoDrops,
    BlocksInSend,
    BlocksAllPeers,
    ThrowsForUnreachablePeers,
    DoesNotReconnect,
    DeliversAfterDispose,
    SignalsAfterDispose,
    IgnoresDirectories,
    IgnoresClusters,
    SendsForOthers,
}
