using Quorate.Verification.Linearizability;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>A register with one number: read, write, and compare-and-swap.</summary>
internal sealed class RegisterModel : SequentialModel<int, RegisterRequest, int>
{
    /// <summary>The response of a swap that found another number than expected.</summary>
    public const int SwapFailed = -1;

    public override int Initial => 0;

    public override int Step(int state, RegisterRequest request, out int next)
    {
        next = request.Write is { } written && (request.If ?? state) == state ? written : state;
        return request.Write is null ? state : (request.If ?? state) == state ? 0 : SwapFailed;
    }
}

/// <summary>A read, a write, or a compare-and-swap.</summary>
internal sealed record RegisterRequest(int? Write = null, int? If = null)
{
    public override string ToString() => this switch
    {
        { Write: null } => "read",
        { If: { } expected } => $"swap {expected} for {Write}",
        _ => $"write {Write}",
    };
}

/// <summary>Tries every order of the operations: obviously correct, and only usable for a few operations.</summary>
internal static class BruteForceChecker
{
    public static bool IsLinearizable(IReadOnlyList<HistoryOperation<RegisterRequest, int>> history) =>
        Explains(history, new RegisterModel(), 0, new HashSet<int>());

    private static bool Explains(IReadOnlyList<HistoryOperation<RegisterRequest, int>> history, RegisterModel model, int state,
        HashSet<int> done)
    {
        if (Enumerable.Range(0, history.Count).All(i => done.Contains(i) || !history[i].HasReturned))
            return true;
        for (var i = 0; i < history.Count; i++)
        {
            // An operation may be next unless another one that is not done had returned before it began.
            if (done.Contains(i)
                || Enumerable.Range(0, history.Count).Any(j => !done.Contains(j) && history[j].Returned < history[i].Invoked))
                continue;
            var response = model.Step(state, history[i].Request, out var next);
            if (history[i].HasReturned && response != history[i].Response)
                continue;
            done.Add(i);
            if (Explains(history, model, next, done))
                return true;
            done.Remove(i);
        }

        return false;
    }
}
