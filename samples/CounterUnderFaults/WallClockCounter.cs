using System.Buffers.Binary;
using Quorate.Raft;

namespace CounterSimulation;

/// <summary>Wrong: it remembers when something was last added, and each member has another answer to that.</summary>
internal sealed class WallClockCounter : IStateMachine<long>
{
    private readonly Counter _counter = new();

    public DateTime LastAdded { get; private set; }

    public long Apply(in CommittedCommand command)
    {
        LastAdded = DateTime.UtcNow;
        return _counter.Apply(command);
    }
}

/// <summary>Right: the time is a part of the command, and so the same for all.</summary>
internal sealed class TimestampedCounter : IStateMachine<long>
{
    private readonly Counter _counter = new();

    public DateTime LastAdded { get; private set; }

    public static byte[] Add(long amount, DateTime now)
    {
        var command = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(command, amount);
        BinaryPrimitives.WriteInt64LittleEndian(command.AsSpan(8), now.Ticks);
        return command;
    }

    public long Apply(in CommittedCommand command)
    {
        LastAdded = new DateTime(BinaryPrimitives.ReadInt64LittleEndian(command.Command.Span[8..]), DateTimeKind.Utc);
        return _counter.Apply(command);
    }
}
