using System.Globalization;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>The names of snapshot files: <c>snapshot-(last index)-(nonce)</c>, both as 16 hexadecimal digits.</summary>
/// <remarks>
/// With the nonce in the name, two snapshots of the same entry never have the same name: this member's own, which a peer may be fetching,
/// is not replaced by one that this member receives. In ordinal order, the names are in the order of their entries.
/// </remarks>
internal static class SnapshotName
{
    /// <summary>The snapshot that is being fetched from a peer.</summary>
    public const string Receiving = "snapshot-receiving";

    /// <summary>What every name of a snapshot file begins with.</summary>
    public const string Prefix = "snapshot-";

    private const string UnfinishedSuffix = ".new";

    public static string Of(LogIndex last, ulong nonce) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{last.Value:x16}-{nonce:x16}");

    /// <summary>The name of the file while this member writes it.</summary>
    public static string Unfinished(LogIndex last, ulong nonce) => Of(last, nonce) + UnfinishedSuffix;

    /// <summary>Whether the file is a snapshot that this member did not finish writing.</summary>
    public static bool IsUnfinished(string name) =>
        name.EndsWith(UnfinishedSuffix, StringComparison.Ordinal) && TryParse(name[..^UnfinishedSuffix.Length], out _, out _);

    /// <summary>Parses the name of a complete snapshot; returns false if the file is not one.</summary>
    public static bool TryParse(string name, out LogIndex last, out ulong nonce)
    {
        (last, nonce) = (default, 0);
        if (name.Length != Prefix.Length + 33 || !name.StartsWith(Prefix, StringComparison.Ordinal) ||
            !TryParseHex(name.AsSpan(Prefix.Length, 16), out var index) || !TryParseHex(name.AsSpan(Prefix.Length + 17), out nonce))
            return false;
        last = new LogIndex(index);
        return name == Of(last, nonce);
    }

    private static bool TryParseHex(ReadOnlySpan<char> digits, out ulong value) =>
        ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
