using System.Buffers.Binary;
using Quorate.Raft;

/// <summary>The state machine: one number, and one command that adds to it.</summary>
internal sealed class Counter : IStateMachine<long>
{
    private long _value;

    public long Value => Volatile.Read(ref _value);

    public static byte[] Add(long amount)
    {
        var command = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(command, amount);
        return command;
    }

    public long Apply(in CommittedCommand command)
    {
        Volatile.Write(ref _value, _value + BinaryPrimitives.ReadInt64LittleEndian(command.Command.Span));
        return _value;
    }
}
