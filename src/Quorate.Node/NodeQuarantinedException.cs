namespace Quorate.Node;

/// <summary>The node is quarantined: its state machine is not in the state that the log prescribes, and must not be used.</summary>
public sealed class NodeQuarantinedException : InvalidOperationException
{
    internal NodeQuarantinedException(Quarantine quarantine)
        : base($"This node is quarantined: {quarantine.Reason} Send the request to another member.")
    {
    }
}
