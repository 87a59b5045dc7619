namespace Quorate.Node.Health;

/// <summary>How healthy a cluster is, as far as one node knows.</summary>
public enum HealthLevel : byte
{
    /// <summary>Nothing is wrong.</summary>
    Healthy = 0,

    /// <summary>The cluster serves all requests, with fewer members or more slowly than it should.</summary>
    Degraded = 1,

    /// <summary>The cluster, or the node that was asked, does not serve some requests.</summary>
    Critical = 2,
}
