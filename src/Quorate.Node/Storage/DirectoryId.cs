using System.Globalization;

namespace Quorate.Node.Storage;

/// <summary>Identifies a data directory: a random number that is drawn when the directory is created. 0 is no directory.</summary>
/// <remarks>
/// A member that comes back with an empty data directory has forgotten its votes and the entries it had acknowledged. Under its old id it
/// could vote twice in a term, or help to elect a leader without entries that it had acknowledged. Its new directory has another id, and
/// every node that knows the old one rejects the member.
/// </remarks>
public readonly record struct DirectoryId(ulong Value)
{
    /// <summary>No directory: the peer did not send the id of its directory.</summary>
    public static DirectoryId None => default;

    /// <summary>The id as 16 hexadecimal digits, as it is written in the identity file.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
