using Quorate.Node.Snapshots;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Sends parts of this member's snapshot files to members that request them.</summary>
/// <remarks>
/// The requesting member decides what it fetches and how fast; this side only reads. Memory: one reply at a time, and a bounded queue of
/// requests. A file that a member fetches stays open, and so on the disk, until that member has requested nothing for a while.
/// Threading: the driver calls; files are opened, read and closed on the worker.
/// </remarks>
internal sealed class SnapshotSender(
    NodeId self, SnapshotStore store, IWorker worker, ILoop loop, int idleTicksMax, Func<bool> maySend)
{
    /// <summary>The most requests that wait; more are dropped, and the member that sent them repeats them.</summary>
    private const int QueuedRequestsMax = 256;

    private readonly Queue<Request> _requests = new();
    private readonly Dictionary<NodeId, OpenFile> _files = [];
    private readonly WorkerTask _task = new(worker, loop);
    private readonly FetchSnapshotReply _reply = new();

    public void OnRequest(FetchSnapshot request)
    {
        if (_requests.Count < QueuedRequestsMax)
        {
            var id = new SnapshotId(request.Last, request.Nonce, request.FileBytes);
            _requests.Enqueue(new Request(request.From, id, request.Offset, request.Length));
        }
    }

    public void OnTick()
    {
        foreach (var file in _files.Values)
            file.IdleTicks++;
    }

    /// <summary>Sends the replies that are ready, and starts to read the next.</summary>
    public void Run(Action<Message> send)
    {
        _task.TryComplete();
        while (!_task.IsBusy)
        {
            if (_requests.TryDequeue(out var request))
                Answer(request, send);
            else if (FindIdle() is { } idle)
                Close(idle);
            else
                break;
        }
    }

    private void Answer(Request request, Action<Message> send)
    {
        var open = _files.GetValueOrDefault(request.From);
        if (open is not null)
            open.IdleTicks = 0;
        _task.Start(
            () =>
            {
                var (file, isNew) = Find(request, open?.File);
                var bytes = file is null || request.Offset >= file.Id.FileBytes
                    ? []
                    : new byte[Math.Min(request.Length, file.Id.FileBytes - request.Offset)];
                var read = file is null ? 0 : file.Read(request.Offset, bytes);
                return (file, isNew, (ReadOnlyMemory<byte>)bytes.AsMemory(0, read));
            },
            (result, failure) =>
            {
                // A part that cannot be read is not sent: the receiver repeats the request, and then turns to another member.
                if (failure is not null)
                    return;
                var (file, isNew, bytes) = ((SnapshotReader?, bool, ReadOnlyMemory<byte>))result!;
                if (isNew)
                    _files[request.From] = new OpenFile(file!);
                send(Reply(request, file?.Id, bytes));
                _reply.Bytes = default;
            });
    }

    /// <summary>Returns the file of a request, and whether it was opened for it. Runs on the worker.</summary>
    private (SnapshotReader? File, bool IsNew) Find(in Request request, SnapshotReader? open)
    {
        // A quarantined member has no snapshot for others: the one on its disk may be of a wrong state already.
        if (!maySend())
            return (null, false);
        if (open is not null && request.Id == open.Id)
            return (open, false);

        // Without a nonce: any snapshot that covers the entry.
        var id = request.Id;
        if (id.Nonce == 0)
            id = store.Newest is { } newest && newest.Last.Index >= id.Last.Index ? newest.Id : default;
        if (open is not null && id == open.Id)
            return (open, false);
        if (id == default || store.OpenBytes(id) is not { } file)
            return (null, false);
        open?.Dispose();
        return (file, true);
    }

    private FetchSnapshotReply Reply(in Request request, SnapshotId? id, ReadOnlyMemory<byte> bytes)
    {
        (_reply.From, _reply.To) = (self, request.From);
        (_reply.Last, _reply.Nonce, _reply.FileBytes) = id is { } found
            ? (found.Last, found.Nonce, found.FileBytes)
            : (request.Id.Last, request.Id.Nonce, 0);
        _reply.Offset = id is null ? 0 : request.Offset;
        _reply.Bytes = bytes;
        return _reply;
    }

    private NodeId? FindIdle()
    {
        foreach (var (peer, file) in _files)
        {
            if (file.IdleTicks > idleTicksMax)
                return peer;
        }

        return null;
    }

    private void Close(NodeId peer)
    {
        _files.Remove(peer, out var file);
        _task.Start(
            () =>
            {
                file!.File.Dispose();
                return null;
            },
            static (_, _) => { });
    }

    private readonly record struct Request(NodeId From, SnapshotId Id, long Offset, int Length);

    private sealed class OpenFile(SnapshotReader file)
    {
        public SnapshotReader File { get; } = file;

        public int IdleTicks { get; set; }
    }
}
