namespace Quorate.Verification.Specification;

/// <summary>What the specification keeps of an entry: its term and, if it is a configuration, who votes.</summary>
internal readonly record struct Entry(int Term, ServerSet Voters = default, ServerSet Outgoing = default)
{
    public override string ToString() => Voters.IsEmpty ? $"{Term}" : Outgoing.IsEmpty ? $"{Term}{Voters}" : $"{Term}{Voters}&{Outgoing}";
}

/// <summary>A log: the way from the root of a tree to one of its nodes. All logs that ever were share the tree, so equal logs are one object, and where two part is where their ways do.</summary>
internal sealed class Log
{
    private readonly Log? _before;
    private readonly List<Log> _after = [];

    private Log(Log? before, Entry last)
    {
        _before = before;
        Last = last;
        Length = before is null ? 0 : before.Length + 1;
        ConfigurationIndex = before is null ? 0 : last.Voters.IsEmpty ? before.ConfigurationIndex : Length;
    }

    public int Length { get; }

    /// <summary>The last entry; of term 0 when there is none.</summary>
    public Entry Last { get; }

    /// <summary>Where the newest configuration is; 0 when it is the initial one.</summary>
    public int ConfigurationIndex { get; }

    /// <summary>The root of a new tree. Logs of two trees are never equal.</summary>
    public static Log Empty() => new(null, default);

    public Log Append(Entry entry)
    {
        foreach (var longer in _after)
        {
            if (longer.Last == entry)
                return longer;
        }

        var added = new Log(this, entry);
        _after.Add(added);
        return added;
    }

    /// <summary>The first <paramref name="length"/> entries.</summary>
    public Log Prefix(int length)
    {
        var log = this;
        while (log.Length > length)
            log = log._before!;
        return log;
    }

    public Entry At(int index) => Prefix(index).Last;

    /// <summary>0 where there is no entry.</summary>
    public int TermAt(int index) => index < 1 || index > Length ? 0 : At(index).Term;

    /// <summary>How far two logs are the same.</summary>
    public int Agreement(Log other)
    {
        var (a, b) = (Prefix(other.Length), other.Prefix(Length));
        while (a != b)
            (a, b) = (a._before!, b._before!);
        return a.Length;
    }

    public override string ToString() => _before is null ? "" : _before._before is null ? $"{Last}" : $"{_before} {Last}";
}
