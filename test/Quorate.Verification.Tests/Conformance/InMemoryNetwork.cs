using Quorate.Node.Transport;

namespace Quorate.Verification.Tests.Conformance;

/// <summary>The transports of one process that run, by the address on which they listen.</summary>
internal sealed class InMemoryNetwork
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerAddress, InMemoryTransport> _running = [];
    private int _lastPort;

    public PeerAddress NextAddress() => new("memory", Interlocked.Increment(ref _lastPort));

    public void Add(PeerAddress address, InMemoryTransport transport)
    {
        lock (_gate)
            _running.Add(address, transport);
    }

    public void Remove(PeerAddress address)
    {
        lock (_gate)
            _running.Remove(address);
    }

    public InMemoryTransport? Find(PeerAddress address)
    {
        lock (_gate)
            return _running.GetValueOrDefault(address);
    }
}
