namespace Quorate.Server.Etcd;

/// <summary>Bounds how many large responses are encoded at the same moment, over all connections.</summary>
/// <remarks>
/// A large response is encoded part by part, and a part takes one turn. Without the bound, a thousand reads of 12 MB put a thousand work
/// items into the queue of the thread pool after every part, and each step of every other call, and even the cancellation of those reads,
/// waited behind all of them: seconds for an answer of one key. With it, at most one part for each processor is queued, and reads that
/// are cancelled while they wait for a turn encode nothing. A response that waits for its client (flow control) holds no turn, so slow
/// clients do not delay fast ones. Turns are taken in the order of the requests for them. Threading: thread-safe.
/// </remarks>
#pragma warning disable CA1001 // A semaphore whose wait handle is not used holds nothing that needs disposal.
internal sealed class LargeResponseLimiter
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _turns;

    public LargeResponseLimiter()
        : this(Environment.ProcessorCount)
    {
    }

    /// <param name="turns">How many parts are encoded at the same time; the machine's processors unless a test says otherwise.</param>
    public LargeResponseLimiter(int turns) => _turns = new SemaphoreSlim(turns);

    /// <summary>The turns of one response, none of them taken yet.</summary>
    /// <param name="cancellation">Cancels the wait for a turn.</param>
    public LargeResponseTurn TurnOf(CancellationToken cancellation) => new(_turns, cancellation);
}
