namespace Quorate.Node.Typed;

/// <summary>Starts Raft nodes with typed commands.</summary>
public static class TypedRaftNode
{
    /// <summary>Starts a node whose commands are objects; see <see cref="RaftNode.StartAsync"/>.</summary>
    /// <param name="options">The identity of the node, its data directory, its cluster and its limits.</param>
    /// <param name="codec">Encodes the commands for the log and decodes them. All members must understand the same encoding.</param>
    /// <param name="stateMachine">The state machine, in its initial state.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">
    /// The data directory or a listen address cannot be used, or the data on disk is corrupt. The message states what failed, why, and
    /// what to do.
    /// </exception>
    /// <exception cref="StateMachineException">
    /// A command of the committed log cannot be decoded, or the state machine threw while it was applied.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static async Task<TypedRaftNode<TCommand, TResult>> StartAsync<TCommand, TResult>(
        RaftNodeOptions options, ICommandCodec<TCommand> codec, ITypedStateMachine<TCommand, TResult> stateMachine,
        CancellationToken cancellationToken = default)
        where TCommand : notnull
    {
        var decoding = new DecodingStateMachine<TCommand, TResult>(codec, stateMachine);
        return new(await RaftNode.StartAsync(options, decoding, cancellationToken).ConfigureAwait(false), codec);
    }
}
