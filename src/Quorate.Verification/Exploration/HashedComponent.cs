namespace Quorate.Verification.Exploration;

/// <summary>A piece of a state that many states share, because a step changes little: it is written and hashed once under each renaming.</summary>
/// <param name="permutations">Under which names it is hashed; the first leaves each member its own.</param>
internal abstract class HashedComponent(SymmetryPermutation[] permutations)
{
    private ulong[]? _hashes;

    /// <summary>Two parts with the same identity are the same.</summary>
    public ulong Identity => HashUnder(0);

    /// <summary>The hash under a renaming, by its number.</summary>
    public ulong HashUnder(int permutation)
    {
        _hashes ??= new ulong[permutations.Length];
        if (_hashes[permutation] == 0)
        {
            permutations[permutation].Begin();
            Write(permutations[permutation]);
            _hashes[permutation] = permutations[permutation].End() | 1;
        }

        return _hashes[permutation];
    }

    /// <summary>Writes all of it.</summary>
    protected abstract void Write(in SymmetryPermutation state);
}
