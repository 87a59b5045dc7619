using Quorate.Kv.Mvcc;
using Quorate.Raft;

namespace Quorate.Kv.Snapshots;

/// <summary>Everything that a snapshot of the store contains: a frozen view, and what only the writer of the store needs.</summary>
/// <param name="View">The frozen view.</param>
/// <param name="SweptUpTo">The last version that the compaction in progress has swept.</param>
/// <param name="Sums">The sums over what was written and swept.</param>
/// <param name="Applied">The last log entry whose effect the view contains.</param>
internal readonly record struct StoreState(MvccView View, Revision SweptUpTo, StateSums Sums, LogIndex Applied);
