using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>Reads what this member has applied. Never waits, and never shows half a batch.</summary>
internal interface IStoreReader
{
    /// <summary>The newest revision.</summary>
    long Revision { get; }

    /// <summary>About how much room the data takes, bytes.</summary>
    long SizeBytes { get; }

    /// <summary>Carries out a range, or a transaction that does not write.</summary>
    KvResult Read(KvOperation operation);

    /// <summary>A checksum of all that can be read up to a revision; 0 or less for the newest.</summary>
    KvError? HashKv(long revision, out KvHash hash);
}
