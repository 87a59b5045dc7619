namespace Quorate.Verification.Exploration;

/// <summary>
/// A component of a state that many states share, because a step changes few components. It is written and hashed once under each
/// permutation, and the hashes are cached.
/// </summary>
/// <param name="permutations">The permutations under which it is hashed; the first is the identity.</param>
internal abstract class HashedStateComponent(SymmetryPermutation[] permutations)
{
    private ulong[]? _hashes;

    /// <summary>Equal for equal components.</summary>
    public ulong Identity => HashUnder(0);

    /// <summary>The hash under the permutation with the given index.</summary>
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

    /// <summary>Writes the whole component.</summary>
    protected abstract void Write(in SymmetryPermutation state);
}
