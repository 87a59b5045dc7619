using System.Globalization;
using System.Text;

namespace Quorate.Verification.ModelChecking;

/// <summary>How a violation comes about: what happened, one thing after another, and how things stood after each.</summary>
/// <param name="Violation">What is violated.</param>
/// <param name="Steps">The actions, each with the state after it; the last is the one that violates.</param>
/// <param name="Cause">What was thrown.</param>
internal sealed record Counterexample(string Violation, IReadOnlyList<CounterexampleStep> Steps, Exception Cause)
{
    /// <summary>Walks from a beginning along fingerprints, and then takes the step that violates.</summary>
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

    /// <summary>What could be met once cannot be met again.</summary>
    public static InvalidOperationException NotReproducible(object model) =>
        new($"{model.GetType().Name} does not do the same again: its steps are no function of its states, or its fingerprints call different states equal");

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
        => model.InitialStates.FirstOrDefault(state => model.Fingerprint(state, new StateEncoder()) == fingerprint) ?? throw NotReproducible(model);

    private static TState FindNextState<TState, TAction>(IModel<TState, TAction> model, TState state, ulong fingerprint, List<CounterexampleStep> steps)
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

    /// <summary>Where symmetric states are one, this state may be a mirror image of the one in which the violation was met, and the action is mirrored too.</summary>
    private static void AddViolatingStep<TState, TAction>(IModel<TState, TAction> model, TState state, Exception violation, List<CounterexampleStep> steps)
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
/// <param name="Action">What happened.</param>
/// <param name="State">How things stood then; empty when the step itself failed.</param>
internal readonly record struct CounterexampleStep(string Action, string State);
