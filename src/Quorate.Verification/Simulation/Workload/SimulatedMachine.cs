using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>What a command answers: where it was put in the list, or what the store says.</summary>
internal readonly record struct Answer(int Appended, KvResult Kv);

/// <summary>The state machine of a simulated member: a list that is appended to, and the real key-value store.</summary>
/// <remarks>A command is one byte for its kind, eight for the operation's number, and what belongs to the kind.</remarks>
internal sealed class SimulatedMachine(NodeId member, AppliedLedger ledger) : IStateMachine<Answer>
{
    private const byte KindAppend = 1;
    private const byte KindKv = 2;
    private const int HeaderBytes = 9;

    private readonly KvStore _store = new();
    private int _appended;
    private int _count;
    private ulong _hash = 1;

    /// <summary>What readers see.</summary>
    public View Current { get; private set; } = new(LogIndex.Zero, 0, 0, 1);

    public KvSnapshot Store => _store.Current;

    public static byte[] Append(ulong operation, int payloadBytes)
    {
        var command = new byte[HeaderBytes + payloadBytes];
        command[0] = KindAppend;
        BinaryPrimitives.WriteUInt64LittleEndian(command.AsSpan(1), operation);
        command.AsSpan(HeaderBytes).Fill((byte)operation);
        return command;
    }

    public static byte[] Kv(ulong operation, KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommand.Encode(request, bytes);
        var command = new byte[HeaderBytes + bytes.WrittenCount];
        command[0] = KindKv;
        BinaryPrimitives.WriteUInt64LittleEndian(command.AsSpan(1), operation);
        bytes.WrittenSpan.CopyTo(command.AsSpan(HeaderBytes));
        return command;
    }

    public Answer Apply(in CommittedCommand command)
    {
        var bytes = command.Command.Span;
        var operation = BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]);
        var answer = bytes[0] == KindAppend
            ? new Answer(++_appended, default)
            : new Answer(_appended, _store.Apply(new CommittedCommand(command.Id, command.Command[HeaderBytes..])));

        // What was done and what came of it, on top of all that was before.
        Mix(operation);
        Mix(command.Id.Index.Value);
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            Mix(word);
        foreach (var b in bytes[(bytes.Length & ~7)..])
            Mix(b);
        Mix((ulong)answer.Appended);
        Mix((ulong)answer.Kv.Revision);
        Mix(answer.Kv.IsOk ? 1UL : 0);
        ledger.Applied(member, ++_count, command.Id, operation, _hash);
        return answer;
    }

    public void BatchApplied(LogIndex last)
    {
        _store.BatchApplied(last);
        Current = new View(last, _count, _appended, _hash);
    }

    private void Mix(ulong value) => _hash = ((_hash ^ value) * 0x9E37_79B9_7F4A_7C15) ^ (_hash >> 31);

    /// <summary>The state after a batch.</summary>
    internal readonly record struct View(LogIndex Index, int Count, int Appended, ulong Hash);
}
