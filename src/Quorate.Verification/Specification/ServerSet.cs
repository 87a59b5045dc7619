using System.Numerics;

namespace Quorate.Verification.Specification;

/// <summary>A set of servers, which are numbered from 0.</summary>
internal readonly record struct ServerSet(uint Bits)
{
    public bool IsEmpty => Bits == 0;

    /// <summary>The servers 0 … count-1.</summary>
    public static ServerSet First(int count) => new((1u << count) - 1);

    public static ServerSet Of(params ReadOnlySpan<int> servers)
    {
        var bits = 0u;
        foreach (var server in servers)
            bits |= 1u << server;
        return new ServerSet(bits);
    }

    public bool Contains(int server) => (Bits >> server & 1) != 0;

    public ServerSet With(int server) => new(Bits | 1u << server);

    public ServerSet Without(int server) => new(Bits & ~(1u << server));

    /// <summary>Whether more than half of <paramref name="all"/> are in this set.</summary>
    public bool IsMajorityOf(ServerSet all) => 2 * BitOperations.PopCount(Bits & all.Bits) > BitOperations.PopCount(all.Bits);

    /// <summary>The set with every server replaced according to the permutation.</summary>
    public ServerSet Permuted(ReadOnlySpan<int> permutation)
    {
        var permuted = default(ServerSet);
        for (var server = 0; server < permutation.Length; server++)
        {
            if (Contains(server))
                permuted = permuted.With(permutation[server]);
        }

        return permuted;
    }

    public override string ToString()
    {
        var bits = Bits;
        return $"({string.Join(' ', Enumerable.Range(0, 32).Where(i => (bits >> i & 1) != 0).Select(static i => i + 1))})";
    }
}

/// <summary>
/// The members that form quorums: a majority of the voters and, during a membership change, also a majority of the outgoing voters.
/// </summary>
internal readonly record struct SpecMembership(ServerSet Voters, ServerSet Outgoing)
{
    public bool Includes(int server) => Voters.Contains(server) || Outgoing.Contains(server);

    public bool IsQuorum(ServerSet set) => set.IsMajorityOf(Voters) && (Outgoing.IsEmpty || set.IsMajorityOf(Outgoing));
}
