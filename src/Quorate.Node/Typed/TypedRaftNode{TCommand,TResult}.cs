#pragma warning disable RS0026 // The overloads of ProposeAsync differ in the type of their second parameter, so no call is ambiguous.
using System.Buffers;
using Quorate.Raft;

namespace Quorate.Node.Typed;

/// <summary>A node whose commands are objects: encodes each command before it is proposed.</summary>
/// <typeparam name="TCommand">The command type.</typeparam>
/// <typeparam name="TResult">The result type of the state machine.</typeparam>
/// <param name="node">
/// The node that proposes the encoded commands; a test may pass a fake. <see cref="DisposeAsync"/> disposes it if it can be disposed.
/// </param>
/// <param name="codec">Encodes the commands; the state machine of the node must decode them with an equal one.</param>
/// <remarks>
/// Threading: every member may be called from any thread. Errors and cancellation: as <see cref="IRaftNode{TResult}"/>, and
/// <see cref="CommandEncodingException"/> for a command that the codec refuses.
/// </remarks>
public sealed class TypedRaftNode<TCommand, TResult>(IRaftNode<TResult> node, ICommandCodec<TCommand> codec) : IAsyncDisposable
    where TCommand : notnull
{
    private readonly ICommandCodec<TCommand> _codec = codec ?? throw new ArgumentNullException(nameof(codec));

    /// <summary>The node that proposes the encoded commands, with its status, its completion and its leadership.</summary>
    public IRaftNode<TResult> Node { get; } = node ?? throw new ArgumentNullException(nameof(node));

    /// <inheritdoc cref="IRaftNode{TResult}.Status"/>
    public RaftStatus Status => Node.Status;

    /// <inheritdoc cref="IRaftNode{TResult}.Completion"/>
    public Task Completion => Node.Completion;

    /// <inheritdoc cref="ProposeAsync(TCommand, ProposalOptions, CancellationToken)"/>
    public ValueTask<ProposalResult<TResult>> ProposeAsync(TCommand command, CancellationToken cancellationToken = default) =>
        ProposeAsync(command, default, cancellationToken);

    /// <summary>
    /// Encodes a command and proposes it. A command that does not encode, or whose encoding does not decode, is refused before it is
    /// proposed: nothing of it reaches the log.
    /// </summary>
    /// <remarks>
    /// The encoding is decoded once before it is proposed, because a committed entry that does not decode would stop every member, and
    /// again after each start. To propose without this, encode the command and pass the bytes to <see cref="Node"/>.
    /// </remarks>
    /// <param name="command">The command. It is encoded before the call returns, so the caller may change it afterwards.</param>
    /// <param name="options">Conditions under which it may be appended.</param>
    /// <param name="cancellationToken">Stops waiting. Always pass a token: without a quorum there may be no outcome.</param>
    /// <returns>
    /// The outcome. A rejection is a value: an encoding larger than <see cref="RaftNodeOptions.MaxCommandBytes"/> is rejected with
    /// <see cref="RejectReason.TooLarge"/>.
    /// </returns>
    /// <exception cref="CommandEncodingException">The codec could not encode the command, or not decode it again.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the command was proposed: it never will be.</exception>
    /// <exception cref="NodeStoppedException">The node had stopped before the command was proposed: it never will be.</exception>
    public ValueTask<ProposalResult<TResult>> ProposeAsync(
        TCommand command, ProposalOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ProposalResult<TResult>>(cancellationToken);

        byte[] encoded;
        try
        {
            encoded = Encode(command);
        }
        catch (CommandEncodingException refused)
        {
            return ValueTask.FromException<ProposalResult<TResult>>(refused);
        }

        return Node.ProposeAsync(encoded, options, cancellationToken);
    }

    /// <inheritdoc cref="IRaftNode{TResult}.ReadBarrierAsync(CancellationToken)"/>
    public ValueTask<ReadResult> ReadBarrierAsync(CancellationToken cancellationToken = default) =>
        Node.ReadBarrierAsync(cancellationToken);

    /// <inheritdoc cref="IRaftNode{TResult}.ReadBarrierAsync(ReadOptions, CancellationToken)"/>
    public ValueTask<ReadResult> ReadBarrierAsync(ReadOptions options, CancellationToken cancellationToken = default) =>
        Node.ReadBarrierAsync(options, cancellationToken);

    /// <inheritdoc cref="IRaftNode{TResult}.WaitForLeaderAsync"/>
    public ValueTask<RaftStatus> WaitForLeaderAsync(CancellationToken cancellationToken = default) =>
        Node.WaitForLeaderAsync(cancellationToken);

    /// <inheritdoc cref="IRaftNode{TResult}.WatchLeadershipAsync"/>
    public IAsyncEnumerable<RaftStatus> WatchLeadershipAsync(CancellationToken cancellationToken = default) =>
        Node.WatchLeadershipAsync(cancellationToken);

    /// <summary>Stops the node: disposes <see cref="Node"/> if it can be disposed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Node is IAsyncDisposable disposable)
            await disposable.DisposeAsync().ConfigureAwait(false);
    }

    // The node keeps the array until the entry is committed and may cache it after that, so it has exactly the size of the command.
    private byte[] Encode(TCommand command)
    {
        var isEncoded = false;
        try
        {
            var destination = new ArrayBufferWriter<byte>();
            _codec.Encode(command, destination);
            isEncoded = true;
            var encoded = destination.WrittenSpan.ToArray();
            _ = _codec.Decode(encoded);
            return encoded;
        }
#pragma warning disable CA1031 // Whatever the codec throws, the command is refused; the exception is kept as the inner one.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            var reason = isEncoded ? "has an encoding that cannot be decoded again" : "cannot be encoded";
            throw new CommandEncodingException(
                $"The command, a {command.GetType().Name}, {reason}: {failure.Message} It was not proposed.", failure);
        }
    }
}
