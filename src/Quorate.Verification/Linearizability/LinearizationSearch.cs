using Quorate.Raft;

namespace Quorate.Verification.Linearizability;

/// <summary>Searches for a linearization of one part of a history.</summary>
/// <remarks>
/// <code>
///   events in real time:   a( ──── b( ──── )a ──── c( ──── )b ──── )c        a invoked, b invoked, a returned …
/// </code>
/// Any operation invoked before the first return may be the first of the linearization. The search chooses one of these, removes its two
/// events from the list, and continues from the front. When it meets a return whose operation is not linearized, no choice is left: that
/// operation would have had to be linearized before. The search then undoes its last choice and tries the next operation in its place. It
/// never visits the same set of linearized operations with the same state twice. A pending operation, one without a response, has no
/// return: it may be linearized anywhere after its invocation, or nowhere. The search tries it only where no other operation fits,
/// because otherwise each pending operation would double the search.
/// </remarks>
internal sealed class LinearizationSearch<TState, TRequest, TResponse>
{
    private const long StepsBetweenCancellationChecks = 1024;

    private readonly List<HistoryOperation<TRequest, TResponse>> _operations;
    private readonly SequentialModel<TState, TRequest, TResponse> _model;
    private readonly HistoryEvent _front = new(-1, isReturn: false);
    private readonly HistoryEvent _pendingFront = new(-1, isReturn: false);
    private readonly Stack<(HistoryEvent Call, long? Until, TState Before)> _linearized = new();
    private readonly HashSet<(UInt128 Taken, TState State)> _visited = [];
    private UInt128[] _zobristKeys = [];
    private int _remaining;
    private List<int> _longestOrder = [];
    private TState _state;

    public LinearizationSearch(List<HistoryOperation<TRequest, TResponse>> operations, SequentialModel<TState, TRequest, TResponse> model)
    {
        (_operations, _model, _state) = (operations, model, model.Initial);
        BuildTimeline();
    }

    public LinearizabilityReport Run(long budget, CancellationToken cancel)
    {
        var (steps, taken) = (0L, UInt128.Zero);

        // until: null while operations with a response are tried. Otherwise pending operations invoked up to this return are tried.
        var (at, until) = (_front.Next, (long?)null);
        while (_remaining > 0)
        {
            if (at is { IsReturn: true })
                (at, until) = (_pendingFront.Next, _operations[at!.Operation].Returned!.Value);
            if (at is null || _operations[at.Operation].Invoked > until)
            {
                if (_linearized.Count > _longestOrder.Count)
                    _longestOrder = [.. _linearized.Reverse().Select(static t => t.Call.Operation)];
                if (_linearized.Count == 0)
                    return LinearizabilityReport.NotLinearizable(ExplainFailure(), steps);
                (var last, until, _state) = _linearized.Pop();
                taken ^= _zobristKeys[last.Operation];
                Undo(last);
                at = last.Next;
                continue;
            }

            if (steps >= budget || (steps % StepsBetweenCancellationChecks == 0 && cancel.IsCancellationRequested))
                return LinearizabilityReport.Unknown(
                    $"a linearization of {_operations.Count} operations was neither found nor excluded in {steps} steps", steps);
            steps++;
            if (!CanBeNext(_operations[at.Operation], out var next) || !_visited.Add((taken ^ _zobristKeys[at.Operation], next)))
            {
                at = at.Next;
                continue;
            }

            taken ^= _zobristKeys[at.Operation];
            _linearized.Push((at, until, _state));
            _state = next;
            Linearize(at);
            (at, until) = (_front.Next, null);
        }

        return LinearizabilityReport.Linearizable(steps);
    }

    private bool CanBeNext(HistoryOperation<TRequest, TResponse> operation, out TState next)
    {
        var response = _model.Step(_state, operation.Request, out next);

        // A pending operation that does not change the state need not be linearized.
        return operation.HasReturned
            ? _model.Matches(response, operation.Response!)
            : !EqualityComparer<TState>.Default.Equals(_state, next);
    }

    /// <summary>
    /// Builds the list of events in real time. An invocation at the time of a return is concurrent with it, so it comes first.
    /// </summary>
    private void BuildTimeline()
    {
        var events = new List<(long At, HistoryEvent Event)>();
        var random = new SplitMix64(0);
        _zobristKeys = new UInt128[_operations.Count];
        for (var i = 0; i < _operations.Count; i++)
        {
            // Each operation has a random key of 128 bits, and a set of operations the xor of their keys (Zobrist hashing): the probability
            // that two sets of a search have the same key is below 2^-80.
            _zobristKeys[i] = new UInt128(random.Next(), random.Next());
            var call = new HistoryEvent(i, isReturn: false);
            events.Add((_operations[i].Invoked, call));
            if (!_operations[i].HasReturned)
                continue;
            _remaining++;
            call.Return = new HistoryEvent(i, isReturn: true);
            events.Add((_operations[i].Returned!.Value, call.Return));
        }

        var (last, lastPending) = (_front, _pendingFront);
        foreach (var (_, historyEvent) in events
            .OrderBy(static m => m.At)
            .ThenBy(static m => m.Event.IsReturn)
            .ThenBy(static m => m.Event.Operation))
        {
            ref var end = ref last;
            if (!historyEvent.IsReturn && historyEvent.Return is null)
                end = ref lastPending;
            (end.Next, historyEvent.Previous) = (historyEvent, end);
            end = historyEvent;
        }
    }

    private void Linearize(HistoryEvent call)
    {
        call.Unlink();
        if (call.Return is null)
            return;
        call.Return.Unlink();
        _remaining--;
    }

    private void Undo(HistoryEvent call)
    {
        // Events are relinked in the reverse order of their removal, so that each finds the neighbours it had.
        if (call.Return is not null)
        {
            call.Return.Link();
            _remaining++;
        }

        call.Link();
    }

    /// <summary>Describes the longest linearizable order that was found, and why no operation can follow it.</summary>
    private string ExplainFailure()
    {
        const int shown = 6;
        var state = _model.Initial;
        var ordered = new HashSet<int>();
        foreach (var i in _longestOrder)
        {
            _model.Step(state, _operations[i].Request, out state);
            ordered.Add(i);
        }

        var prefix = _longestOrder.Count == 0
            ? "no operation can be first"
            : $"{(_longestOrder.Count > shown ? $"{_longestOrder.Count - shown} operations, then " : "")}"
                + $"{string.Join("; then ", _longestOrder.TakeLast(shown).Select(i => _operations[i].Describe(_model)))}"
                + "; and then no operation can be next";
        var rest = Enumerable.Range(0, _operations.Count).Where(i => !ordered.Contains(i)).ToList();
        var firstReturn = rest.Min(i => _operations[i].Returned);
        var candidates = rest
            .Where(i => _operations[i].Invoked <= firstReturn && _operations[i].HasReturned)
            .OrderBy(i => _operations[i].Returned)
            .Select(i =>
                $"not {_operations[i].Describe(_model)}: "
                + $"the result would be {_model.Describe(_model.Step(state, _operations[i].Request, out _))}");
        return $"no order of {_operations.Count} operations explains all results. "
            + $"The longest that does: {prefix}: {string.Join("; ", candidates)}";
    }

    /// <summary>The invocation or the return of an operation: a node of a linked list from which events are removed and put back.</summary>
    private sealed class HistoryEvent(int operation, bool isReturn)
    {
        public int Operation { get; } = operation;

        public bool IsReturn { get; } = isReturn;

        public HistoryEvent? Previous { get; set; }

        public HistoryEvent? Next { get; set; }

        /// <summary>Of an invocation: its return; null if the operation is pending.</summary>
        public HistoryEvent? Return { get; set; }

        public void Unlink()
        {
            Previous!.Next = Next;
            if (Next is not null)
                Next.Previous = Previous;
        }

        public void Link()
        {
            Previous!.Next = this;
            if (Next is not null)
                Next.Previous = this;
        }
    }
}
