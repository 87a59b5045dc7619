using System.Buffers.Binary;
using Quorate.Raft;

namespace CounterSimulation;

/// <summary>Wrong: Apply reads the wall clock, so each member stores a different time for the same command.</summary>
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

/// <summary>Right: the time is part of the command, so every member stores the same time.</summary>
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
