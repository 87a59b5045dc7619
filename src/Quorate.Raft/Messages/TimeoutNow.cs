namespace Quorate.Raft;

/// <summary>TimeoutNow request, leader to the target of a leadership transfer: campaign at once.</summary>
/// <remarks>
/// Shape: <see cref="LastIndex"/> is the last entry of the leader's log, which the target holds. A target with another last entry ignores
/// the message: it is a late one of a transfer that has ended. Errors: none; there is no reply, and the transfer ends with the next term or
/// with its deadline. A node that does not know the message ignores it. Source: thesis §3.10.
/// </remarks>
public sealed class TimeoutNow : Message
{
    /// <summary>The index of the last entry of the leader's log.</summary>
    public LogIndex LastIndex { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"TimeoutNow {From}→{To} term {Term} last {LastIndex}";
}
