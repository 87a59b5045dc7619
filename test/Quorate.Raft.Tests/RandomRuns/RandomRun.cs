namespace Quorate.Raft.Tests.RandomRuns;

/// <summary>One seed's life, with its name in whatever goes wrong.</summary>
internal static class RandomRun
{
    public static Cluster Of(ulong seed, Configuration configuration)
    {
        try
        {
            return Cluster.Run(seed, configuration);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed} of {configuration}: {e.Message}", e);
        }
    }
}
