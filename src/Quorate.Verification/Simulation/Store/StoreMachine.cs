using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>What a command answers: how long the list is, or what the store says.</summary>
internal readonly record struct StoreResult(int Length, KvResult Kv);

/// <summary>What clients of most runs use: the real key-value store, and a list that is appended to.</summary>
/// <remarks>A command is one byte for its kind, and then for an append eight for what is appended, and what makes it longer; for the store its own command.</remarks>
internal sealed class StoreMachine : IStateMachine<StoreResult>
{
    private const byte KindAppend = 1;
    private const byte KindKv = 2;
    private const int TagBytes = 8;

    private readonly KvStore _store = new();

    /// <summary>What readers see of the store.</summary>
    public KvSnapshot Store => _store.Current;

    /// <summary>What was appended so far.</summary>
    public AppendedList List { get; private set; } = AppendedList.Empty;

    /// <summary>A hash over every command and every answer there was.</summary>
    public ulong Hash { get; private set; } = 1;

    public static byte[] Append(ulong tag, int payloadBytes)
    {
        var command = new byte[1 + TagBytes + payloadBytes];
        command[0] = KindAppend;
        BinaryPrimitives.WriteUInt64LittleEndian(command.AsSpan(1), tag);
        command.AsSpan(1 + TagBytes).Fill((byte)tag);
        return command;
    }

    public static byte[] Kv(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write([KindKv]);
        KvCommand.Encode(request, bytes);
        return bytes.WrittenSpan.ToArray();
    }

    public StoreResult Apply(in CommittedCommand command)
    {
        var bytes = command.Command.Span;
        StoreResult result;
        if (bytes[0] == KindAppend)
        {
            List = List.With(BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]));
            result = new StoreResult(List.Length, default);
        }
        else
        {
            result = new StoreResult(List.Length, _store.Apply(new CommittedCommand(command.Id, command.Command[1..])));
        }

        Mix(command.Id.Index.Value);
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            Mix(word);
        foreach (var b in bytes[(bytes.Length & ~7)..])
            Mix(b);
        Mix((ulong)result.Length);
        Mix((ulong)result.Kv.Revision);
        Mix(result.Kv.IsOk ? 1UL : 0);
        return result;
    }

    public void BatchApplied(LogIndex last) => _store.BatchApplied(last);

    private void Mix(ulong value) => Hash = ((Hash ^ value) * 0x9E37_79B9_7F4A_7C15) ^ (Hash >> 31);
}

