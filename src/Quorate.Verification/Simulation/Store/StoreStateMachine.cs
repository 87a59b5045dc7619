using System.Buffers;
using System.Buffers.Binary;
using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>The result of a command: the length of the list, or the result of the store.</summary>
/// <param name="Length">The list's length.</param>
/// <param name="Kv">The store's result.</param>
/// <param name="Digest">The digest over the result.</param>
internal readonly record struct StoreResult(int Length, KvResult Kv, ulong Digest);

/// <summary>
/// The state machine of <see cref="KvSimulation"/>: the real key-value store with its lease deadlines, and a list to which clients append.
/// </summary>
/// <remarks>
/// A command is one byte for its kind, followed by the store's own command, or for an append by the eight bytes of the element and padding.
/// </remarks>
internal sealed class StoreStateMachine : IStateMachine<StoreResult>
{
    private const byte KindAppend = 1;
    private const byte KindKv = 2;
    private const int TagBytes = 8;

    private readonly KvStore _store = new() { VersionsSweptPerCompaction = 4 };
    private StoreStateDigest _stateHistory;

    private TimeProvider? _clock;
    private Func<Term> _readTerm = static () => Term.Zero;

    /// <summary>The lease deadlines by the clock of the member; null without <see cref="UseClock"/>.</summary>
    public LeaseDeadlines? LeaseDeadlines { get; private set; }

    /// <summary>
    /// The last advance of the lease clock, if this process applied it in the term in which it was committed; zero otherwise.
    /// </summary>
    public EntryId WitnessedAdvance { get; private set; }

    /// <summary>The time of the member's clock.</summary>
    public TimeSpan Now => _clock!.GetElapsedTime(0);

    /// <summary>The snapshot of the store that readers use.</summary>
    public KvSnapshot Store => _store.Current;

    /// <summary>The list.</summary>
    public AppendOnlyList List { get; private set; } = AppendOnlyList.Empty;

    /// <summary>The digest over all states so far, also those before a restored snapshot.</summary>
    public ulong StateHistoryDigest => _stateHistory.Value;

    /// <summary>A digest over everything in the present state.</summary>
    public ulong WholeStateDigest => StoreStateDigest.OfWhole(_store, List);

    public static byte[] EncodeAppend(ulong tag, int payloadBytes)
    {
        var command = new byte[1 + TagBytes + payloadBytes];
        command[0] = KindAppend;
        BinaryPrimitives.WriteUInt64LittleEndian(command.AsSpan(1), tag);
        command.AsSpan(1 + TagBytes).Fill((byte)tag);
        return command;
    }

    public static byte[] EncodeKv(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write([KindKv]);
        KvCommandCodec.Encode(request, bytes);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Lets the state machine follow the deadlines of leases by a member's clock, as the server's does.</summary>
    public void UseClock(TimeProvider clock)
    {
        _clock = clock;
        LeaseDeadlines = new LeaseDeadlines(Now);
    }

    /// <summary>Called when the log has been replayed.</summary>
    public void OnStarted(Func<Term> readTerm) => _readTerm = readTerm;

    public StoreResult Apply(in CommittedCommand command)
    {
        var result = Execute(command);
        LeaseDeadlines?.OnApplied(command.Id, result.Kv.Response, Now, _readTerm());
        if (result.Kv.Response is LeaseClockAdvanceResponse { IsAccepted: true })
            WitnessedAdvance = command.Id.Term == _readTerm() ? command.Id : EntryId.Zero;
        _stateHistory.Add(command.Id.Index, _store, List);
        return result;
    }

    public void BatchApplied(LogIndex last) => _store.BatchApplied(last);

    public ulong? StateHash => (_store.StateHash ^ List.Digest) + (ulong)List.Length;

    public IStateMachineSnapshot CaptureSnapshot() => new StoreSnapshot(_stateHistory, List, _store.CaptureSnapshot());

    public void RestoreSnapshot(EntryId last, Stream source)
    {
        var (stateHistory, list) = StoreSnapshot.ReadHeader(source);
        _store.RestoreSnapshot(last, source);
        (_stateHistory, List) = (stateHistory, list);
        LeaseDeadlines?.OnRestored(Store.LeaseClock, Store.Leases(), Now);
        if (Store.LeaseClock.LastAdvance != WitnessedAdvance.Index)
            WitnessedAdvance = EntryId.Zero;
    }

    private StoreResult Execute(in CommittedCommand command)
    {
        var bytes = command.Command.Span;
        if (bytes[0] == KindKv)
        {
            var result = _store.Apply(new CommittedCommand(command.Id, command.Command[1..]));
            return new StoreResult(List.Length, result, ResponseDigest.Of(result));
        }

        // The padding is not stored, so the digest in the result shows whether it arrived unchanged.
        List = List.Append(BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]));
        var digest = default(Digest);
        digest.Add(bytes);
        return new StoreResult(List.Length, default, digest.Value);
    }
}
