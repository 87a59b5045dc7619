namespace Quorate.Verification.ModelChecking;

/// <summary>A model to explore: its initial states, its actions, its invariants, and conditions that must be reachable.</summary>
/// <typeparam name="TState">A state. It is immutable: a step creates another.</typeparam>
/// <typeparam name="TAction">An action. It is compared by value, and its text is a line of a counterexample.</typeparam>
/// <remarks>
/// All members are functions of their arguments: the same state has the same actions in the same order, and the same action leads to the
/// same state. A counterexample is reconstructed by taking the path again, which would otherwise fail.
/// </remarks>
internal interface IModel<TState, TAction>
    where TState : class
    where TAction : notnull
{
    /// <summary>The initial states.</summary>
    IEnumerable<TState> InitialStates { get; }

    /// <summary>Conditions that must hold in some state. A search that never reaches them proves little, however large it is.</summary>
    IReadOnlyList<Sometimes<TState>> Sometimes => [];

    /// <summary>Adds the actions that are enabled in a state.</summary>
    void ActionsOf(TState state, List<TAction> actions);

    /// <summary>Returns the state that an action leads to; null if the action has no effect or is not enabled in this state.</summary>
    /// <remarks>Any exception is a violation: of a property of steps, or by the system under test itself.</remarks>
    TState? Next(TState state, TAction action);

    /// <summary>Throws if the state violates an invariant.</summary>
    void Check(TState state);

    /// <summary>Throws if the system makes no progress from a state on, once nothing fails any more. A random walk ends with it.</summary>
    void CheckLiveness(TState state)
    {
    }

    /// <summary>
    /// Returns a fingerprint of the state: equal for states of which only one has to be explored, and different for all others, except for
    /// collisions of 64-bit hashes.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="encoder">
    /// An empty encoder to write the state into; <see cref="StateEncoder.Hash"/> of what was written is the usual fingerprint.
    /// </param>
    ulong Fingerprint(TState state, StateEncoder encoder);

    /// <summary>
    /// Whether to explore the successors of a state. A state that is out of bounds is checked, but neither counted nor explored.
    /// </summary>
    bool IsWithinBounds(TState state) => true;

    /// <summary>The weight with which a random walk chooses this action among the enabled ones.</summary>
    int WeightOf(TAction action) => 1;

    /// <summary>
    /// The kind of an action, below <see cref="KindsMax"/>. Every random walk draws a factor for each kind except 0, which makes the kind
    /// more frequent or excludes it.
    /// </summary>
    int KindOf(TAction action) => 0;

    /// <summary>Exclusive upper bound of the kinds of any model.</summary>
    const int KindsMax = 64;
}

/// <summary>A condition that must hold in some state.</summary>
/// <param name="Name">Its name: a few words.</param>
/// <param name="Holds">Whether it holds in a state.</param>
internal sealed record Sometimes<TState>(string Name, Func<TState, bool> Holds);
