namespace Quorate.Raft.Tests.Seeds;

/// <summary>One seed's life, with its name in whatever goes wrong.</summary>
internal static class OneLife
{
    public static Cluster Of(ulong seed, Configuration configuration)
    {
        try
        {
            return Cluster.Live(seed, configuration);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed} of {configuration}: {e.Message}", e);
        }
    }
}
