namespace Quorate.Verification.Specification;

/// <summary>What the specification keeps of an entry: its term and, if it is a configuration, who votes.</summary>
internal readonly record struct SpecEntry(int Term, ServerSet Voters = default, ServerSet Outgoing = default)
{
    public override string ToString() => Voters.IsEmpty ? $"{Term}" : Outgoing.IsEmpty ? $"{Term}{Voters}" : $"{Term}{Voters}&{Outgoing}";
}

/// <summary>A log: the way from the root of a tree to one of its nodes. All logs that ever were share the tree, so equal logs are one object, and where two part is where their ways do.</summary>
internal sealed class SpecLog
{
    private readonly SpecLog? _prefix;
    private readonly List<SpecLog> _extensions = [];

    private SpecLog(SpecLog? prefix, SpecEntry last)
    {
        _prefix = prefix;
        Last = last;
        Length = prefix is null ? 0 : prefix.Length + 1;
        ConfigurationIndex = prefix is null ? 0 : last.Voters.IsEmpty ? prefix.ConfigurationIndex : Length;
    }

    public int Length { get; }

    /// <summary>The last entry; of term 0 when there is none.</summary>
    public SpecEntry Last { get; }

    /// <summary>Where the newest configuration is; 0 when it is the initial one.</summary>
    public int ConfigurationIndex { get; }

    /// <summary>The root of a new tree. Logs of two trees are never equal.</summary>
    public static SpecLog Empty() => new(null, default);

    public SpecLog Append(SpecEntry entry)
    {
        foreach (var longer in _extensions)
        {
            if (longer.Last == entry)
                return longer;
        }

        var added = new SpecLog(this, entry);
        _extensions.Add(added);
        return added;
    }

    /// <summary>The first <paramref name="length"/> entries.</summary>
    public SpecLog Prefix(int length)
    {
        var log = this;
        while (log.Length > length)
            log = log._prefix!;
        return log;
    }

    public SpecEntry At(int index) => Prefix(index).Last;

    /// <summary>0 where there is no entry.</summary>
    public int TermAt(int index) => index < 1 || index > Length ? 0 : At(index).Term;

    /// <summary>How far two logs are the same.</summary>
    public int Agreement(SpecLog other)
    {
        var (a, b) = (Prefix(other.Length), other.Prefix(Length));
        while (a != b)
            (a, b) = (a._prefix!, b._prefix!);
        return a.Length;
    }

    public override string ToString() => _prefix is null ? "" : _prefix._prefix is null ? $"{Last}" : $"{_prefix} {Last}";
}
