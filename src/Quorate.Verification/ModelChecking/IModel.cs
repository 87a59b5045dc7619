namespace Quorate.Verification.ModelChecking;

/// <summary>A system to explore: where it begins, what can happen next, what must hold always and what must happen some time.</summary>
/// <typeparam name="TState">Never changed once made: a step makes another.</typeparam>
/// <typeparam name="TAction">Says what happens. Compared by value, and written as a line of a counterexample.</typeparam>
/// <remarks>
/// All members are functions of their arguments: the same state has the same actions in the same order, and the same action leads to the same state. A violation is
/// shown by walking to it again, and would not be found again otherwise.
/// </remarks>
internal interface IModel<TState, TAction>
    where TState : class
    where TAction : notnull
{
    /// <summary>Where it may begin.</summary>
    IEnumerable<TState> InitialStates { get; }

    /// <summary>What must be reachable. A search that never meets it has proved little, however large it was.</summary>
    IReadOnlyList<Sometimes<TState>> Sometimes => [];

    /// <summary>Adds what can happen in a state.</summary>
    void ActionsOf(TState state, List<TAction> actions);

    /// <summary>The state that an action leads to; null when it does not happen after all, or is not possible here.</summary>
    /// <remarks>Any exception is a violation: a step that must not be, or that the system under exploration cannot take.</remarks>
    TState? Next(TState state, TAction action);

    /// <summary>Throws what is violated, if anything is.</summary>
    void Check(TState state);

    /// <summary>Stands for the state: equal for two states that need not both be explored, else different but for the odd chance of 64 bits.</summary>
    /// <param name="state">The state.</param>
    /// <param name="encoder">Empty, to write into; <see cref="StateEncoder.Hash"/> of what was written is the usual answer.</param>
    ulong Fingerprint(TState state, StateEncoder encoder);

    /// <summary>Whether to go on from here. A state that is out of bounds is checked, and neither counted nor explored.</summary>
    bool IsWithinBounds(TState state) => true;

    /// <summary>How often a random walk should take this action, compared with the others that are possible.</summary>
    int WeightOf(TAction action) => 1;

    /// <summary>Of each kind but 0, every walk draws anew how common it is, and whether it happens at all; below <see cref="KindsMax"/>.</summary>
    int KindOf(TAction action) => 0;

    /// <summary>More kinds than any model has.</summary>
    const int KindsMax = 64;
}

/// <summary>Something that must happen in some state.</summary>
/// <param name="Name">What, in a few words.</param>
/// <param name="Holds">Whether it does, here.</param>
internal sealed record Sometimes<TState>(string Name, Func<TState, bool> Holds);
