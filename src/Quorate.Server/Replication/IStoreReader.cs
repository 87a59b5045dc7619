using Quorate.Kv;
using Quorate.Server.Watching;

namespace Quorate.Server.Replication;

/// <summary>Reads the state that this member has applied. Never blocks, and never shows a partially applied batch.</summary>
internal interface IStoreReader
{
    /// <summary>
    /// The state after the last applied batch. Values that must be consistent with each other must come from one snapshot.
    /// </summary>
    KvSnapshot Current { get; }

    /// <summary>Notifies watchers when a new revision that changed one of their keys can be read.</summary>
    WatchNotifier Watchers { get; }

    /// <summary>The newest revision.</summary>
    long Revision => Current.Revision;

    /// <summary>The approximate size of the data, bytes.</summary>
    long SizeBytes => Current.SizeBytes;

    /// <summary>Executes a range or a read-only transaction.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> ended the read.</exception>
    KvResult Read(KvOperation operation, IReadCancellation cancellation);

    /// <summary>Computes a hash of all keys and their history up to a revision; 0 or less for the newest revision.</summary>
    KvError? HashKv(long revision, out KvHash hash);
}
