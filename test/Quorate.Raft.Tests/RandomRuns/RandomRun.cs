namespace Quorate.Raft.Tests.RandomRuns;

/// <summary>Executes the run of one seed and adds the seed to the message of any failure.</summary>
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
