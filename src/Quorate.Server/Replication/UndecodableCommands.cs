using Quorate.Raft;
using Quorate.Server.Hosting;

namespace Quorate.Server.Replication;

/// <summary>Counts the committed entries whose bytes are no command, and logs them.</summary>
/// <remarks>
/// No member proposes such bytes, so each one is the trace of a forged or damaged message, or of a bug. At most one message per minute is
/// logged, because one frame can bring a hundred thousand of them. Threading: the applier reports, any thread reads the count.
/// </remarks>
internal sealed class UndecodableCommands(ILogger log, TimeProvider time)
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private long _count;
    private long? _loggedAt;

    /// <summary>The number of such entries applied since the start, including the replay of the log.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Counts an entry without effect, and logs it unless another one was logged within the last minute.</summary>
    public void OnApplied(in CommittedCommand command)
    {
        Volatile.Write(ref _count, _count + 1);
        if (_loggedAt is { } logged && time.GetElapsedTime(logged) < LogInterval)
            return;
        _loggedAt = time.GetTimestamp();
        ServerLogMessages.CommandUndecodable(log, command.Id.Index.Value, command.Command.Length, _count);
    }
}
