using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Replication;
using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Replication;

/// <summary>The state machine of one member without a node: the test applies commands and moves snapshots.</summary>
internal sealed class TestMember
{
    private ulong _index;

    public TestMember(TimeProvider? time = null, params ulong[] members)
    {
        Registry = new MemberRegistry(members.Select(id =>
            new InitialMember(new NodeId(id), "", [HttpUrl.Parse("test", $"http://127.0.0.1:{id}")])));
        Deadlines = new MemberLeaseDeadlines(time ?? TimeProvider.System);
        StateMachine = new EtcdStateMachine(
            Registry, Deadlines, new UndecodableCommands(NullLogger.Instance, TimeProvider.System));
    }

    public MemberRegistry Registry { get; }

    public MemberLeaseDeadlines Deadlines { get; }

    public EtcdStateMachine StateMachine { get; }

    public KvSnapshot Store => StateMachine.Current;

    public KvResult Apply(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommandCodec.Encode(request, bytes);
        return Apply(bytes.WrittenMemory);
    }

    public KvResult Apply(ReadOnlyMemory<byte> command)
    {
        var result = StateMachine.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++_index)), command));
        StateMachine.BatchApplied(new LogIndex(_index));
        return result;
    }

    public void Put(string key, string value = "") =>
        Apply(new PutRequest(ServerFixture.Utf8(key).Memory, ServerFixture.Utf8(value).Memory));

    public byte[] Snapshot()
    {
        using var snapshot = StateMachine.CaptureSnapshot();
        var bytes = new MemoryStream();
        snapshot.WriteTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>Restores a snapshot of a member that has applied more, as the node does.</summary>
    public void RestoreFrom(TestMember ahead) => Restore(ahead.Snapshot(), ahead._index);

    public void Restore(byte[] snapshot, ulong last)
    {
        StateMachine.RestoreSnapshot(new EntryId(new Term(1), new LogIndex(last)), new MemoryStream(snapshot));
        _index = last;
        StateMachine.BatchApplied(new LogIndex(last));
    }
}
