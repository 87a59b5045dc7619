using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary>Builds small test objects.</summary>
internal static class Given
{
    public static readonly NodeId Self = new(1);

    public static readonly WalOptions SmallLog = new()
    {
        SegmentBytes = WalOptions.SegmentBytesMin,
        PayloadBytesMax = 1024,
        PreallocateInBackground = false,
        GenerateNonce = static () => 7,
    };

    /// <summary>Opens the identity file of a data directory, or creates it.</summary>
    public static IdentityFile Identity(IStorage storage) =>
        IdentityFile.Open(storage, clusterId: 1, Self, new Configuration([Self]), drawId: static () => 7);

    /// <summary>The features of a new data directory.</summary>
    public static ClusterFeatures Features() => new(Identity(new MemoryStorage()), ClusterVersion.Current);

    /// <summary>A clock by which no time passes.</summary>
    public static readonly TimeProvider FrozenClock = new FrozenTimeProvider();

    /// <summary>Commands of this node, each at the log index that is its number.</summary>
    public static LogEntry[] Commands(ulong first, ulong last, int payloadBytes = 1)
    {
        var entries = new LogEntry[last - first + 1];
        for (var i = 0; i < entries.Length; i++)
        {
            var index = first + (ulong)i;
            entries[i] =
                new(new EntryId(new Term(1), new LogIndex(index)), EntryKind.Command, new ProposalId(Self, index), new byte[payloadBytes]);
        }

        return entries;
    }

    /// <summary>Pending proposals with the production dispatcher, and a queue that holds eight.</summary>
    public static PendingProposals<int> Proposals(ILoop loop, int queuedMax = 8)
    {
        var hold = new GroupCommitHold(FrozenClock, loop);
        return new PendingProposals<int>(
            Self, firstSequence: 0, queuedMax, queuedBytesMax: 1 << 20, hold,
            new ThreadPoolCompletionDispatcher<ProposalResult<int>>(hold));
    }

    /// <summary>A loop whose requests set a signal.</summary>
    public static ILoop Loop(WakeSignal wake) => new SignallingLoop(wake);

    /// <summary>Starts threads and waits until all have ended.</summary>
    public static void RunConcurrently(params ThreadStart[] bodies)
    {
        var threads = new List<Thread>();
        foreach (var body in bodies)
            threads.Add(new Thread(body));
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
    }

    private sealed class SignallingLoop(WakeSignal wake) : ILoop
    {
        public void Signal() => wake.Set();

        public void TryRunInline() => wake.Set();
    }

    private sealed class FrozenTimeProvider : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
