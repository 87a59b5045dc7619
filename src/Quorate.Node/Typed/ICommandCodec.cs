using System.Buffers;

namespace Quorate.Node.Typed;

/// <summary>Encodes the commands of a typed state machine as the bytes of a log entry, and decodes them again.</summary>
/// <typeparam name="TCommand">The command type.</typeparam>
/// <remarks>
/// Shape: the encoding is a format on disk and on the wire. A later version of the program must decode every entry that an earlier one
/// encoded, because a start replays the log from its beginning, and during a rolling update every running version must decode what the
/// newest one encodes. Deploy a version that decodes a new kind of command before one that proposes it.
/// Threading: both methods are called from any thread, at the same time.
/// Errors: any exception of <see cref="Encode"/>, or of <see cref="Decode"/> before the command is proposed, refuses the command with
/// <see cref="CommandEncodingException"/>. An exception of <see cref="Decode"/> for a committed entry stops the node with
/// <see cref="StateMachineException"/>.
/// </remarks>
public interface ICommandCodec<TCommand>
    where TCommand : notnull
{
    /// <summary>Writes the bytes of the command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="destination">Receives the bytes. What was written before an exception is discarded.</param>
    void Encode(TCommand command, IBufferWriter<byte> destination);

    /// <summary>Returns the command that the bytes encode.</summary>
    /// <param name="encoded">The bytes; they stay unchanged, so the command may reference them.</param>
    TCommand Decode(ReadOnlyMemory<byte> encoded);
}
