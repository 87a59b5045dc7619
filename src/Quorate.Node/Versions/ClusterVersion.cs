using System.Globalization;

namespace Quorate.Node.Versions;

/// <summary>The major and minor version of a build, of a cluster (what all its members may use), or of a data directory.</summary>
/// <remarks>
/// A cluster has the version of its lowest member, and a data directory that of its cluster: a build uses a message, a record or a file
/// that a later version has introduced only when the version of the cluster permits it (<see cref="Feature"/>). So members can be replaced
/// one at a time by the next minor version, and back. See docs/operating/upgrade.md.
/// </remarks>
/// <param name="Major">The major version.</param>
/// <param name="Minor">The minor version.</param>
public readonly record struct ClusterVersion(ushort Major, ushort Minor) : IComparable<ClusterVersion>
{
    /// <summary>The first version. Its builds state no version, neither in a data directory nor to their peers.</summary>
    public static ClusterVersion Oldest { get; } = new(0, 1);

    /// <summary>The version of this build.</summary>
    public static ClusterVersion Current { get; } = new(0, 2);

    /// <summary>Whether one version is lower than another.</summary>
    public static bool operator <(ClusterVersion left, ClusterVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether one version is higher than another.</summary>
    public static bool operator >(ClusterVersion left, ClusterVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether one version is at most another.</summary>
    public static bool operator <=(ClusterVersion left, ClusterVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether one version is at least another.</summary>
    public static bool operator >=(ClusterVersion left, ClusterVersion right) => left.CompareTo(right) >= 0;

    /// <summary>Parses a version such as <c>0.2</c>; returns false for anything that <see cref="ToString"/> does not write.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ClusterVersion version)
    {
        version = default;
        var dot = text.IndexOf('.');
        if (dot < 0 || !TryParseNumber(text[..dot], out var major) || !TryParseNumber(text[(dot + 1)..], out var minor))
            return false;
        version = new ClusterVersion(major, minor);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ClusterVersion other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    /// <summary>Formats the version, such as <c>0.2</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");

    private static bool TryParseNumber(ReadOnlySpan<char> text, out ushort number) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && (text.Length == 1 || text[0] != '0');
}
