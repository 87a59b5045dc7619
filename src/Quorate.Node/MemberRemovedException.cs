using Quorate.Raft;

namespace Quorate.Node;

/// <summary>
/// The cluster does not accept this node as a member any more: it was removed, or has not the data directory of the member.
/// </summary>
/// <remarks>Durability: nothing in the data directory was changed. The message states what happened, and what to do.</remarks>
public sealed class MemberRemovedException : Exception
{
    internal MemberRemovedException(string message)
        : base(message)
    {
    }

    internal static MemberRemovedException Removed(NodeId member, ConfigurationAt configuration) => new(
        $"Member {member} was removed from the cluster. The last configuration that it knows is {configuration.Configuration}, entry "
        + $"{configuration.Index}. "
        + "It will not be accepted again. To use this machine for the cluster again, delete the data directory and add a new member.");

    internal static MemberRemovedException OtherDirectory(NodeId member, DirectoryId bound, DirectoryId own) => new(
        $"The cluster knows member {member} with data directory {bound}; this one is {own}. "
        + "The old directory was emptied, lost or replaced, and with it votes and entries that the member had acknowledged. "
        + "If the old data directory still exists, start with that one. Otherwise remove the member, and add a new one with another id.");
}
