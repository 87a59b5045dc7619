namespace Quorate.Verification.Simulation.Store;

/// <summary>An immutable list. Appending an element returns a new list, which shares this one as its prefix.</summary>
internal sealed class AppendOnlyList : IEquatable<AppendOnlyList>
{
    private AppendOnlyList(AppendOnlyList? previous, ulong last, int length, ulong digest) =>
        (Previous, Last, Length, Digest) = (previous, last, length, digest);

    public static AppendOnlyList Empty { get; } = new(null, 0, 0, 0);

    /// <summary>The list without its last element; null when it is empty.</summary>
    public AppendOnlyList? Previous { get; }

    public ulong Last { get; }

    public int Length { get; }

    /// <summary>The digest over all elements in their order.</summary>
    public ulong Digest { get; }

    public AppendOnlyList Append(ulong element) => new(this, element, Length + 1, (Digest ^ (element + 1)) * 0x9E37_79B9_7F4A_7C15);

    /// <summary>Returns whether the lists have the same elements in the same order, which is decided by length and digest.</summary>
    public bool Equals(AppendOnlyList? other) => other is not null && Length == other.Length && Digest == other.Digest;

    public override bool Equals(object? obj) => Equals(obj as AppendOnlyList);

    public override int GetHashCode() => HashCode.Combine(Length, Digest);

    public override string ToString() => Length switch
    {
        0 => "an empty list",
        1 => $"the list {Last}",
        _ => $"a list of {Length}, the last of them {Previous!.Last} and {Last}",
    };
}
