using System.Buffers;
using System.Buffers.Binary;
using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>What a command answers: how long the list is, or what the store says.</summary>
/// <param name="Length">The list's length.</param>
/// <param name="Kv">What the store says.</param>
/// <param name="Digest">Over all of that.</param>
internal readonly record struct StoreResult(int Length, KvResult Kv, ulong Digest);

/// <summary>What clients of most runs use: the real key-value store, and a list that is appended to.</summary>
/// <remarks>A command is one byte for its kind, and then for an append eight for what is appended, and what makes it longer; for the store its own command.</remarks>
internal sealed class StoreStateMachine : IStateMachine<StoreResult>
{
    private const byte KindAppend = 1;
    private const byte KindKv = 2;
    private const int TagBytes = 8;

    private readonly KvStore _store = new() { VersionsSweptPerCompaction = 4 };
    private StateDigest _stateHistory;

    /// <summary>What readers see of the store.</summary>
    public KvSnapshot Store => _store.Current;

    /// <summary>What was appended so far.</summary>
    public AppendOnlyList List { get; private set; } = AppendOnlyList.Empty;

    /// <summary>A digest of every state it has been in.</summary>
    public ulong StateHistoryDigest => _stateHistory.Value;

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
        KvCommand.Encode(request, bytes);
        return bytes.WrittenSpan.ToArray();
    }

    public StoreResult Apply(in CommittedCommand command)
    {
        var result = Execute(command);
        _stateHistory.Add(command.Id.Index, _store, List);
        return result;
    }

    public void BatchApplied(LogIndex last) => _store.BatchApplied(last);

    private StoreResult Execute(in CommittedCommand command)
    {
        var bytes = command.Command.Span;
        if (bytes[0] == KindKv)
        {
            var result = _store.Apply(new CommittedCommand(command.Id, command.Command[1..]));
            return new StoreResult(List.Length, result, ResponseDigest.Of(result));
        }

        // What makes it longer is kept nowhere, so that it came whole is said with the answer.
        List = List.Append(BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]));
        var digest = default(Digest);
        digest.Add(bytes);
        return new StoreResult(List.Length, default, digest.Value);
    }
}
