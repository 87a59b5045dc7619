using Quorate.Raft;
using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>
/// Checks a history against the state machine itself: a single instance applies the log in order and must return every result that a client
/// received.
/// </summary>
internal static class ReplayHistoryChecker<TStateMachine, TResult>
    where TStateMachine : IStateMachine<TResult>
{
    public static LinearizabilityReport Check(SimulatedApplication<TStateMachine, TResult> application)
    {
        var operations = new List<HistoryOperation<ReplayRequest, object?>>(application.History.Count);
        foreach (var operation in application.History)
        {
            if (operation.Outcome == OperationOutcome.Rejected)
                continue;
            var entry = application.StateChecker.FindEntry(operation.Number);
            var isRead = operation.Query is not null;
            var returned = operation.Outcome is OperationOutcome.Committed or OperationOutcome.Granted;
            operations.Add(new HistoryOperation<ReplayRequest, object?>
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

        return WitnessOrderChecker.Check(operations,
            new StateMachineModel(application.CreateStateMachine(), application.Checks.ResultsEqual));
    }

    private sealed record ReplayRequest(ClientOperation<TStateMachine, TResult> Operation, EntryId Entry)
    {
        public override string ToString() => Operation.ToString();
    }

    /// <summary>
    /// The state machine as its own model. It changes in place; the witness allows that, because it never goes back to an earlier state.
    /// </summary>
    private sealed class StateMachineModel(TStateMachine stateMachine, Func<TResult, TResult, bool> resultsEqual)
        : SequentialModel<TStateMachine, ReplayRequest, object?>
    {
        public override TStateMachine Initial => stateMachine;

        public override object? Step(TStateMachine state, ReplayRequest request, out TStateMachine next)
        {
            next = state;
            if (request.Operation.Query is { } query)
                return query(state);
            var result = state.Apply(new CommittedCommand(request.Entry, request.Operation.Command));
            state.BatchApplied(request.Entry.Index);
            return result;
        }

        public override string Describe(object? response) => StructuralEquality.Describe(response);

        public override bool Matches(object? expected, object? actual) =>
            expected is TResult a && actual is TResult b ? resultsEqual(a, b) : StructuralEquality.AreEqual(expected, actual);
    }
}
