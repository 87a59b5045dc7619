namespace Quorate.Verification.Specification;

/// <summary>An entry of the specification: its term and, if it is a configuration, the voters.</summary>
internal readonly record struct SpecEntry(int Term, ServerSet Voters = default, ServerSet Outgoing = default)
{
    public override string ToString() => Voters.IsEmpty ? $"{Term}" : Outgoing.IsEmpty ? $"{Term}{Voters}" : $"{Term}{Voters}&{Outgoing}";
}

/// <summary>
/// A log, represented as a node of a tree: its entries are those on the path from the root. All logs share the tree, so equal logs are one
/// object, and the common prefix of two logs is their lowest common ancestor.
/// </summary>
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

    /// <summary>The last entry; its term is 0 if the log is empty.</summary>
    public SpecEntry Last { get; }

    /// <summary>The index of the latest configuration; 0 if it is the initial one.</summary>
    public int ConfigurationIndex { get; }

    /// <summary>Creates the root of a new tree. Logs of different trees are never equal.</summary>
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

    /// <summary>The term of the entry at an index; 0 if there is none.</summary>
    public int TermAt(int index) => index < 1 || index > Length ? 0 : At(index).Term;

    /// <summary>The length of the longest common prefix.</summary>
    public int Agreement(SpecLog other)
    {
        var (a, b) = (Prefix(other.Length), other.Prefix(Length));
        while (a != b)
            (a, b) = (a._prefix!, b._prefix!);
        return a.Length;
    }

    /// <summary>The entries, each run of equal ones as one of them and its length.</summary>
    public override string ToString()
    {
        if (_prefix is null)
            return "";
        var run = this;
        while (run._prefix is { _prefix: not null } before && before.Last == Last)
            run = before;
        var length = Length - run.Length + 1;
        return $"{run._prefix}{(run.Length > 1 ? " " : "")}{Last}{(length > 1 ? $"×{length}" : "")}";
    }
}
