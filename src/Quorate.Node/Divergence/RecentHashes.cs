using Quorate.Raft;

namespace Quorate.Node.Divergence;

/// <summary>The newest state hashes of one member, by index.</summary>
internal sealed class RecentHashes
{
    /// <summary>The most hashes kept. A member that lags by more intervals than that is compared when it has caught up.</summary>
    public const int Max = 64;

    private readonly SortedList<ulong, ulong> _hashes = [];

    public void Set(LogIndex index, ulong hash)
    {
        _hashes[index.Value] = hash;
        if (_hashes.Count > Max)
            _hashes.RemoveAt(0);
    }

    public bool TryGet(LogIndex index, out ulong hash) => _hashes.TryGetValue(index.Value, out hash);
}
