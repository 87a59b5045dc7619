using System.Net;

namespace Quorate.Node.Transport;

/// <summary>Limits the number of connections whose handshake is not complete, in total and for each IP address.</summary>
internal sealed class HandshakeLimiter(int max, int maxPerAddress)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _perAddress = [];
    private int _count;

    /// <summary>The number of connections from an address whose handshake is not complete.</summary>
    public int CountOf(IPAddress address)
    {
        lock (_gate)
            return _perAddress.GetValueOrDefault(address);
    }

    public bool TryAcquire(IPAddress address)
    {
        lock (_gate)
        {
            var here = _perAddress.GetValueOrDefault(address);
            if (_count >= max || here >= maxPerAddress)
                return false;
            _count++;
            _perAddress[address] = here + 1;
            return true;
        }
    }

    public void Release(IPAddress address)
    {
        lock (_gate)
        {
            _count--;
            if (--_perAddress[address] == 0)
                _perAddress.Remove(address);
        }
    }
}
