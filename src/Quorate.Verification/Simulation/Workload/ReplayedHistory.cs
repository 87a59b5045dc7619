using Quorate.Raft;
using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>The history against the machine itself: one machine, alone, is fed the log in order, and must give each answer that a client was given.</summary>
internal static class ReplayedHistory<TMachine, TResult>
    where TMachine : IStateMachine<TResult>
{
    public static Verdict Check(Application<TMachine, TResult> application)
    {
        var operations = new List<Operation<Asked, object?>>(application.History.Count);
        foreach (var operation in application.History)
        {
            if (operation.Outcome == OperationOutcome.Rejected)
                continue;
            var entry = application.Ledger.EntryOf(operation.Number);
            var isRead = operation.Query is not null;
            var returned = operation.Outcome is OperationOutcome.Committed or OperationOutcome.Granted;
            operations.Add(new Operation<Asked, object?>
            {
                Number = operation.Number,
                Client = operation.Client,
                Target = $"member {operation.At}",
                Invoked = operation.Began,
                Returned = returned ? operation.Ended : null,
                Request = new Asked(operation, entry ?? EntryId.Zero),
                Response = isRead ? operation.Answer : operation.Result,
                IsRead = isRead,
                Index = isRead ? (returned ? operation.Index.Value : null) : entry?.Index.Value,
            });
        }

        return Witness.Check(operations, new Alone(application.NewMachine(), application.Checks.ResultsEqual));
    }

    private sealed record Asked(ClientOperation<TMachine, TResult> Operation, EntryId Entry)
    {
        public override string ToString() => Operation.ToString();
    }

    /// <summary>The machine is its own model. It changes in place, which the witness allows: it goes on and never back.</summary>
    private sealed class Alone(TMachine machine, Func<TResult, TResult, bool> same) : SequentialModel<TMachine, Asked, object?>
    {
        public override TMachine Initial => machine;

        public override object? Step(TMachine state, Asked request, out TMachine next)
        {
            next = state;
            if (request.Operation.Query is { } query)
                return query(state);
            var result = state.Apply(new CommittedCommand(request.Entry, request.Operation.Command));
            state.BatchApplied(request.Entry.Index);
            return result;
        }

        public override string Describe(object? answer) => Equality.Words(answer);

        public override bool Matches(object? expected, object? answered) =>
            expected is TResult a && answered is TResult b ? same(a, b) : Equality.Same(expected, answered);
    }
}
