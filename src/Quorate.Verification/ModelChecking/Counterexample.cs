using System.Globalization;
using System.Text;

namespace Quorate.Verification.ModelChecking;

/// <summary>A path to a violation: the actions in order, and the state after each.</summary>
/// <param name="Violation">The violated property and the details.</param>
/// <param name="Steps">The actions, each with the state after it; the last one causes the violation.</param>
/// <param name="Cause">The exception that reported the violation.</param>
internal sealed record Counterexample(string Violation, IReadOnlyList<CounterexampleStep> Steps, Exception Cause)
{
    /// <summary>Follows a path of fingerprints from an initial state, and then takes the step that causes the violation.</summary>
    public static Counterexample Reconstruct<TState, TAction>(IModel<TState, TAction> model, List<ulong> path, Exception violation)
        where TState : class
        where TAction : notnull
    {
        var steps = new List<CounterexampleStep>();
        TState? state = null;
        foreach (var fingerprint in path)
            state = state is null ? FindInitialState(model, fingerprint) : FindNextState(model, state, fingerprint, steps);
        if (state is not null)
            AddViolatingStep(model, state, violation, steps);
        return new Counterexample(violation.Message, steps, violation);
    }

    /// <summary>The exception for a path that was found once and cannot be followed again.</summary>
    public static InvalidOperationException NotReproducible(object model) =>
        new($"the path to a violation of {model.GetType().Name} cannot be followed again: "
            + "its steps are not a function of its states, or its fingerprints are equal for different states");

    public override string ToString()
    {
        var text = new StringBuilder(Violation).Append(", after ").Append(Steps.Count).AppendLine(" steps:");
        for (var i = 0; i < Steps.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{i + 1,3}  {Steps[i].Action}").AppendLine();
            if (Steps[i].State is { Length: > 0 } state)
                text.Append("       ").AppendLine(state.ReplaceLineEndings("\n       "));
        }

        return text.ToString().TrimEnd();
    }

    private static TState FindInitialState<TState, TAction>(IModel<TState, TAction> model, ulong fingerprint)
        where TState : class
        where TAction : notnull
        => model.InitialStates.FirstOrDefault(state => model.Fingerprint(state, new StateEncoder()) == fingerprint)
            ?? throw NotReproducible(model);

    private static TState FindNextState<TState, TAction>(
        IModel<TState, TAction> model, TState state, ulong fingerprint, List<CounterexampleStep> steps)
        where TState : class
        where TAction : notnull
    {
        var actions = new List<TAction>();
        model.ActionsOf(state, actions);
        foreach (var action in actions)
        {
            if (model.Next(state, action) is not { } next || model.Fingerprint(next, new StateEncoder()) != fingerprint)
                continue;
            steps.Add(new CounterexampleStep(action.ToString()!, next.ToString()!));
            return next;
        }

        throw NotReproducible(model);
    }

    /// <summary>
    /// With symmetry reduction, this state may be a permutation of the state in which the violation was found; the violating action is then
    /// permuted too, so every action is tried.
    /// </summary>
    private static void AddViolatingStep<TState, TAction>(
        IModel<TState, TAction> model, TState state, Exception violation, List<CounterexampleStep> steps)
        where TState : class
        where TAction : notnull
    {
        var actions = new List<TAction>();
        model.ActionsOf(state, actions);
        foreach (var action in actions)
        {
            TState? next = null;
            try
            {
                next = model.Next(state, action);
                if (next is not null)
                    model.Check(next);
            }
            catch (Exception again) when (again.GetType() == violation.GetType())
            {
                steps.Add(new CounterexampleStep(action.ToString()!, next?.ToString() ?? ""));
                return;
            }
        }

        throw NotReproducible(model);
    }
}

/// <summary>One step of a counterexample.</summary>
/// <param name="Action">The action.</param>
/// <param name="State">The state after it; empty if the step itself failed.</param>
internal readonly record struct CounterexampleStep(string Action, string State);
