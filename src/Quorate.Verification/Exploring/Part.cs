namespace Quorate.Verification.Exploring;

/// <summary>A piece of a state that many states share, because a step changes little: it is written and hashed once under each renaming.</summary>
/// <param name="renamings">Under which names it is hashed; the first leaves each member its own.</param>
internal abstract class Part(Renaming[] renamings)
{
    private ulong[]? _hashes;

    /// <summary>Two parts with the same identity are the same.</summary>
    public ulong Identity => HashUnder(0);

    /// <summary>The hash under a renaming, by its number.</summary>
    public ulong HashUnder(int renaming)
    {
        _hashes ??= new ulong[renamings.Length];
        if (_hashes[renaming] == 0)
        {
            renamings[renaming].Begin();
            Write(renamings[renaming]);
            _hashes[renaming] = renamings[renaming].End() | 1;
        }

        return _hashes[renaming];
    }

    /// <summary>Writes all of it.</summary>
    protected abstract void Write(in Renaming state);
}
