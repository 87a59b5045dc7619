namespace Quorate.Server.Tests.Processes;

/// <summary>Tests that start processes run one after another: two cores are enough for one cluster at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessesCollection
{
    public const string Name = "processes";
}
