using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>The entries of one term: they begin at <see cref="First"/> and end where the next run begins.</summary>
internal readonly record struct TermRun(Term Term, LogIndex First);
