using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>The lease clock: a replicated lower bound of the time that has passed, which survives restarts and changes of leader.</summary>
/// <param name="Milliseconds">The sum of all advances.</param>
/// <param name="LastAdvance">The index of the last advance; zero before the first one.</param>
/// <param name="PreviousAdvance">The index of the advance before the last one.</param>
/// <remarks>
/// A member that has applied an advance measures, by its own monotonic clock, how much time passes, and proposes it as the next advance.
/// An advance names the one from which it was measured, and has no effect if that is no longer the last one: so no time is counted twice,
/// no matter which member proposes it and in which term it is committed. docs/decisions/0032-lease-clock.md proves that no lease ends
/// early.
/// <code>
///   log        … advance k     renewal     advance k+1     advance k+2 …
///                  └──── may include time before the renewal ──┘   │
///                                               └── SinceApplied ──┘   the age of the renewal counts from here: its anchor
/// </code>
/// </remarks>
public readonly record struct LeaseClock(long Milliseconds, LogIndex LastAdvance, LogIndex PreviousAdvance)
{
    /// <summary>Returns the clock after an advance, which is the log entry <paramref name="at"/>.</summary>
    internal LeaseClock Advance(long milliseconds, LogIndex at) =>
        new(long.Min(Milliseconds, long.MaxValue - milliseconds) + milliseconds, at, LastAdvance);
}
