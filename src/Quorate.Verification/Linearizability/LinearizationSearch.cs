using Quorate.Raft;

namespace Quorate.Verification.Linearizability;

/// <summary>One search for an order of one part of a history.</summary>
/// <remarks>
/// <code>
///   moments in time:   a( ──── b( ──── )a ──── c( ──── )b ──── )c        a began, b began, a returned …
/// </code>
/// Whatever began before the first return may be the first in the order. The search takes one of these, takes its two moments out of the list, and goes on from the front; when it
/// meets a return whose operation is not taken, that one should have been in the order by now, so it puts the last one back and tries the next in its place. It never goes twice to the same
/// set of taken operations with the same state. What was never answered has no return: it may stand anywhere after its beginning, or nowhere. It is tried only where nothing else
/// fits, or each of them would double the search.
/// </remarks>
internal sealed class LinearizationSearch<TState, TRequest, TResponse>
{
    private const long StepsBetweenCancellationChecks = 1024;

    private readonly List<Operation<TRequest, TResponse>> _operations;
    private readonly SequentialModel<TState, TRequest, TResponse> _model;
    private readonly HistoryEvent _front = new(-1, isReturn: false);
    private readonly HistoryEvent _pendingFront = new(-1, isReturn: false);
    private readonly Stack<(HistoryEvent Call, long? Until, TState Before)> _linearized = new();
    private readonly HashSet<(UInt128 Taken, TState State)> _visited = [];
    private UInt128[] _zobristKeys = [];
    private int _remaining;
    private List<int> _longestOrder = [];
    private TState _state;

    public LinearizationSearch(List<Operation<TRequest, TResponse>> operations, SequentialModel<TState, TRequest, TResponse> model)
    {
        (_operations, _model, _state) = (operations, model, model.Initial);
        BuildTimeline();
    }

    public Verdict Run(long budget, CancellationToken cancel)
    {
        var (steps, taken) = (0L, UInt128.Zero);

        // Until: before which return the unanswered are looked through; none while it is the answered ones.
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
                    return Verdict.NotLinearizable(ExplainFailure(), steps);
                (var last, until, _state) = _linearized.Pop();
                taken ^= _zobristKeys[last.Operation];
                Undo(last);
                at = last.Next;
                continue;
            }

            if (steps >= budget || (steps % StepsBetweenCancellationChecks == 0 && cancel.IsCancellationRequested))
                return Verdict.Unknown($"no order of {_operations.Count} operations found, and none excluded, in {steps} steps", steps);
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

        return Verdict.Linearizable(steps);
    }

    private bool CanBeNext(Operation<TRequest, TResponse> operation, out TState next)
    {
        var response = _model.Step(_state, operation.Request, out next);

        // What nobody answered and what changes nothing may as well not be there.
        return operation.HasReturned ? _model.Matches(response, operation.Response!) : !EqualityComparer<TState>.Default.Equals(_state, next);
    }

    /// <summary>All moments in time; what begins at the moment at which another returns is beside it, not behind.</summary>
    private void BuildTimeline()
    {
        var moments = new List<(long At, HistoryEvent Moment)>();
        var random = new SplitMix64(0);
        _zobristKeys = new UInt128[_operations.Count];
        for (var i = 0; i < _operations.Count; i++)
        {
            // 128 random bits stand for each operation, and the xor of them for a set: the chance that two sets of a search are taken for one is below 2^-80.
            _zobristKeys[i] = new UInt128(random.Next(), random.Next());
            var call = new HistoryEvent(i, isReturn: false);
            moments.Add((_operations[i].Invoked, call));
            if (!_operations[i].HasReturned)
                continue;
            _remaining++;
            call.Return = new HistoryEvent(i, isReturn: true);
            moments.Add((_operations[i].Returned!.Value, call.Return));
        }

        var (last, lastPending) = (_front, _pendingFront);
        foreach (var (_, moment) in moments.OrderBy(static m => m.At).ThenBy(static m => m.Moment.IsReturn).ThenBy(static m => m.Moment.Operation))
        {
            ref var end = ref last;
            if (!moment.IsReturn && moment.Return is null)
                end = ref lastPending;
            (end.Next, moment.Previous) = (moment, end);
            end = moment;
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
        // In the opposite order of taking out: each finds its neighbours as it left them.
        if (call.Return is not null)
        {
            call.Return.Link();
            _remaining++;
        }

        call.Link();
    }

    /// <summary>The longest order that goes well, and what stands in the way of the next.</summary>
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
            ? "nothing can be first"
            : $"{(_longestOrder.Count > shown ? $"{_longestOrder.Count - shown} operations, then " : "")}{string.Join("; then ", _longestOrder.TakeLast(shown).Select(i => _operations[i].Describe(_model)))}; and then nothing can be next";
        var rest = Enumerable.Range(0, _operations.Count).Where(i => !ordered.Contains(i)).ToList();
        var firstReturn = rest.Min(i => _operations[i].Returned);
        var candidates = rest.Where(i => _operations[i].Invoked <= firstReturn && _operations[i].HasReturned).OrderBy(i => _operations[i].Returned).Select(i =>
            $"not {_operations[i].Describe(_model)}: the answer would be {_model.Describe(_model.Step(state, _operations[i].Request, out _))}");
        return $"no order of {_operations.Count} operations explains all answers. The longest that does: {prefix}: {string.Join("; ", candidates)}";
    }

    /// <summary>A beginning or a return, in a list that moments leave and come back to.</summary>
    private sealed class HistoryEvent(int operation, bool isReturn)
    {
        public int Operation { get; } = operation;

        public bool IsReturn { get; } = isReturn;

        public HistoryEvent? Previous { get; set; }

        public HistoryEvent? Next { get; set; }

        /// <summary>The return of a beginning.</summary>
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
