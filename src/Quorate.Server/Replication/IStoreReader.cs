using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>Reads what this member has applied. Never waits, and never shows half a batch.</summary>
internal interface IStoreReader
{
    /// <summary>The state after the last batch. Take it once for everything that must fit together.</summary>
    KvSnapshot Current { get; }

    /// <summary>Pulses when there is a new revision to read, or an older one no more.</summary>
    RevisionSignal Changed { get; }

    /// <summary>The newest revision.</summary>
    long Revision => Current.Revision;

    /// <summary>About how much room the data takes, bytes.</summary>
    long SizeBytes => Current.SizeBytes;

    /// <summary>Carries out a range, or a transaction that does not write.</summary>
    KvResult Read(KvOperation operation);

    /// <summary>A checksum of all that can be read up to a revision; 0 or less for the newest.</summary>
    KvError? HashKv(long revision, out KvHash hash);
}
