using Quorate.Raft;

namespace Quorate.Node.Typed;

/// <summary>Adapts a typed state machine to <see cref="IStateMachine{TResult}"/>: decodes each committed command and applies it.</summary>
/// <typeparam name="TCommand">The command type.</typeparam>
/// <typeparam name="TResult">The result of a command, returned to its proposer.</typeparam>
/// <param name="codec">Decodes the commands.</param>
/// <param name="stateMachine">Applies them.</param>
/// <remarks>
/// <see cref="TypedRaftNode"/> creates it. Create one to run a typed state machine where an <see cref="IStateMachine{TResult}"/> is
/// needed, such as the simulator of Quorate.Verification.
/// </remarks>
public sealed class DecodingStateMachine<TCommand, TResult>(
    ICommandCodec<TCommand> codec, ITypedStateMachine<TCommand, TResult> stateMachine) : IStateMachine<TResult>
    where TCommand : notnull
{
    private readonly ICommandCodec<TCommand> _codec = codec ?? throw new ArgumentNullException(nameof(codec));

    /// <summary>The state machine that applies the decoded commands.</summary>
    public ITypedStateMachine<TCommand, TResult> StateMachine { get; } =
        stateMachine ?? throw new ArgumentNullException(nameof(stateMachine));

    /// <inheritdoc/>
    /// <exception cref="StateMachineException">
    /// The codec could not decode the command; the message names the entry. The node stops, because skipping the command would make the
    /// members diverge, and after each start it stops again at this entry until its program can decode it.
    /// </exception>
    public TResult Apply(in CommittedCommand command) => StateMachine.Apply(command.Id, Decode(command));

    /// <inheritdoc/>
    public void BatchApplied(LogIndex last) => StateMachine.BatchApplied(last);

    /// <inheritdoc/>
    public ulong? StateHash => StateMachine.StateHash;

    /// <inheritdoc/>
    public IStateMachineSnapshot? CaptureSnapshot() => StateMachine.CaptureSnapshot();

    /// <inheritdoc/>
    public void RestoreSnapshot(EntryId last, Stream source) => StateMachine.RestoreSnapshot(last, source);

    private TCommand Decode(in CommittedCommand command)
    {
        try
        {
            return _codec.Decode(command.Command);
        }
#pragma warning disable CA1031 // Whatever the codec throws, the command cannot be applied; the exception is kept as the inner one.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            throw new StateMachineException(
                $"The command of entry {command.Id.Index} in term {command.Id.Term}, {command.Command.Length} bytes, cannot be decoded " +
                $"as {typeof(TCommand).Name}: {failure.Message} It is committed, so no member may skip it: start a version of the " +
                "program whose codec decodes it.",
                failure)
            {
                Entry = command.Id,
            };
        }
    }
}
