using Quorate.Raft;
using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>The history against the machine itself: one machine, alone, is fed the log in order, and must give each answer that a client was given.</summary>
internal static class ReplayedHistory<TMachine, TResult>
    where TMachine : IStateMachine<TResult>
{
    public static Verdict Check(Application<TMachine, TResult> application)
    {
        var operations = new List<Operation<ReplayRequest, object?>>(application.History.Count);
        foreach (var operation in application.History)
        {
            if (operation.Outcome == OperationOutcome.Rejected)
                continue;
            var entry = application.StateChecker.FindEntry(operation.Number);
            var isRead = operation.Query is not null;
            var returned = operation.Outcome is OperationOutcome.Committed or OperationOutcome.Granted;
            operations.Add(new Operation<ReplayRequest, object?>
            {
                Number = operation.Number,
                Client = operation.Client,
                Target = $"member {operation.Target}",
                Invoked = operation.InvokedAt,
                Returned = returned ? operation.CompletedAt : null,
                Request = new ReplayRequest(operation, entry ?? EntryId.Zero),
                Response = isRead ? operation.ReadValue : operation.Result,
                IsRead = isRead,
                Index = isRead ? (returned ? operation.Index.Value : null) : entry?.Index.Value,
            });
        }

        return Witness.Check(operations, new StateMachineModel(application.CreateStateMachine(), application.Checks.ResultsEqual));
    }

    private sealed record ReplayRequest(ClientOperation<TMachine, TResult> Operation, EntryId Entry)
    {
        public override string ToString() => Operation.ToString();
    }

    /// <summary>The machine is its own model. It changes in place, which the witness allows: it goes on and never back.</summary>
    private sealed class StateMachineModel(TMachine stateMachine, Func<TResult, TResult, bool> resultsEqual) : SequentialModel<TMachine, ReplayRequest, object?>
    {
        public override TMachine Initial => stateMachine;

        public override object? Step(TMachine state, ReplayRequest request, out TMachine next)
        {
            next = state;
            if (request.Operation.Query is { } query)
                return query(state);
            var result = state.Apply(new CommittedCommand(request.Entry, request.Operation.Command));
            state.BatchApplied(request.Entry.Index);
            return result;
        }

        public override string Describe(object? answer) => Equality.Describe(answer);

        public override bool Matches(object? expected, object? answered) =>
            expected is TResult a && answered is TResult b ? resultsEqual(a, b) : Equality.AreEqual(expected, answered);
    }
}
