using Quorate.Kv;
using Quorate.Kv.Tests.Snapshots;
using Quorate.Raft;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>
/// docs/formats/server-snapshot.md: a snapshot has the store and what members have published; lease deadlines follow a restore.
/// </summary>
public sealed class EtcdSnapshotTests
{
    private readonly ManualTime _time = new();

    /// <summary>Golden bytes: snapshots on disks contain them. KvStore's tests have those of the store.</summary>
    [Fact]
    public void Format_1_has_the_golden_bytes()
    {
        var member = new TestMember(members: [3, 300]);
        Publish(member, 300, "n2", "http://b:1");
        member.Put("k", "v");

        Assert.StartsWith(
            "51455443" + "01000000" + "15000000"                             // QETC, format 1, 21 bytes
                + "1213" + "08AC02" + "12026E32"                             // a member: id 300, name n2
                + "220A" + "687474703A2F2F623A31"                            // its client URL http://b:1
                + "34887614" + "514B5653" + "01",                            // CRC-32C; the store, format 1
            Convert.ToHexString(member.Snapshot()), StringComparison.Ordinal);
    }

    /// <summary>The whole of a small snapshot. QUORATE_REWRITE=1 rewrites the file, for a new version only.</summary>
    [Fact]
    public void The_golden_file_of_format_1_is_restored_and_captured_to_the_same_bytes()
    {
        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
        {
            var original = new TestMember(members: [3, 300]);
            Publish(original, 300, "n2", "http://b:1");
            original.Put("k", "v");
            original.Apply(new LeaseGrantRequest(7, 10));
            File.WriteAllText(GoldenFile("server-snapshot-v1.txt"), Convert.ToHexString(original.Snapshot()) + "\n");
        }

        var golden = Convert.FromHexString(File.ReadAllText(GoldenFile("server-snapshot-v1.txt")).Trim());
        var member = new TestMember(members: [3, 300]);
        member.Restore(golden, last: 3);

        Assert.Equal(Convert.ToHexString(golden), Convert.ToHexString(member.Snapshot()));
        Assert.True(member.Registry.IsPublished(300, "n2", ["http://b:1"]));
        Assert.Equal("v", System.Text.Encoding.UTF8.GetString(member.Store.Get("k"u8)!.Value.Value.Span));
    }

    /// <summary>The command by which a member publishes its name: logs on disks contain it.</summary>
    [Fact]
    public void A_publish_command_has_the_golden_bytes()
    {
        const string Golden = "E1" + "08AC02" + "12026E32" + "220A" + "687474703A2F2F623A31";
        Assert.Equal(Golden, Convert.ToHexString(MemberRegistry.EncodePublishCommand(300, "n2", ["http://b:1"]).Span));

        var member = new TestMember(members: [3, 300]);
        member.Apply(Convert.FromHexString(Golden));
        Assert.True(member.Registry.IsPublished(300, "n2", ["http://b:1"]));
    }

    [Fact]
    public void Members_and_store_are_restored_and_nothing_of_the_old_state_remains()
    {
        var (ahead, behind) = (new TestMember(members: [1, 2, 3]), new TestMember(members: [1, 2, 3]));
        Publish(behind, 3, "old", "http://old:1");
        behind.Put("old");
        Publish(ahead, 1, "n1", "http://a:1", "http://a:2");
        Publish(ahead, 2, "n2", "http://b:1");
        ahead.Put("k", "v");

        behind.RestoreFrom(ahead);

        Assert.Equal(ahead.Registry.List(), behind.Registry.List());
        Assert.True(behind.Registry.IsPublished(1, "n1", ["http://a:1", "http://a:2"]));
        Assert.Equal(["http://127.0.0.1:2"], behind.Registry.List().Single(m => m.ID == 2).PeerURLs);
        Assert.Equal((ahead.Store.Hash(), 1), (behind.Store.Hash(), behind.Store.KeyCount));
        Assert.Equal(ahead.Snapshot(), behind.Snapshot());
    }

    [Fact]
    public void A_stream_may_return_fewer_bytes_than_requested()
    {
        var (ahead, behind) = (new TestMember(members: [1]), new TestMember(members: [1]));
        Publish(ahead, 1, "n1", "http://a:1");
        ahead.Put("k", "v");
        var bytes = ahead.Snapshot();

        behind.StateMachine.RestoreSnapshot(new EntryId(new Term(1), new LogIndex(2)), new ShortReads(bytes, partBytes: 1));

        Assert.Equal(bytes, behind.Snapshot());
    }

    [Fact]
    public void The_order_of_publications_does_not_change_the_bytes()
    {
        var (a, b) = (new TestMember(members: [1, 2]), new TestMember(members: [1, 2]));
        Publish(a, 1, "n1", "http://a:1");
        Publish(a, 2, "n2", "http://b:1");
        Publish(b, 2, "n2", "http://b:1");
        Publish(b, 1, "n1", "http://a:1");

        Assert.Equal(a.Snapshot(), b.Snapshot());
    }

    [Fact]
    public void What_is_published_after_the_capture_is_not_in_the_snapshot()
    {
        var member = new TestMember(members: [1]);
        var before = member.Snapshot();
        using var captured = member.StateMachine.CaptureSnapshot();
        Publish(member, 1, "n1", "http://a:1");
        member.Put("k");

        var written = new MemoryStream();
        captured.WriteTo(written);

        // The index of the last applied entry is the same, because the capture precedes both.
        Assert.Equal(before, written.ToArray());
    }

    [Fact]
    public void Every_truncation_and_flipped_bit_is_rejected_and_changes_nothing()
    {
        var ahead = new TestMember(members: [1, 2]);
        Publish(ahead, 1, "n1", "http://a:1");
        ahead.Put("k", "v");
        var bytes = ahead.Snapshot();
        var behind = new TestMember(members: [1, 2]);
        Publish(behind, 2, "n2", "http://b:1");
        var before = behind.Snapshot();

        for (var length = 0; length < bytes.Length; length++)
            AssertRejected(bytes[..length]);
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRejected(bytes);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(before, behind.Snapshot());

        void AssertRejected(byte[] wrong) => Assert.Throws<KvSnapshotFormatException>(
            () => behind.StateMachine.RestoreSnapshot(new EntryId(new Term(1), new LogIndex(9)), new MemoryStream(wrong)));
    }

    [Fact]
    public void A_read_in_progress_keeps_its_view()
    {
        var (ahead, behind) = (new TestMember(), new TestMember());
        behind.Put("k", "old");
        ahead.Put("k", "1");
        ahead.Put("k", "2");
        var view = behind.StateMachine.Current;

        behind.RestoreFrom(ahead);

        Assert.Equal("old", System.Text.Encoding.UTF8.GetString(view.Get("k"u8)!.Value.Value.Span));
        Assert.Equal(3, behind.StateMachine.Current.Revision);
    }

    [Fact]
    public void A_lease_of_a_snapshot_ends_after_its_time_to_live()
    {
        var (ahead, behind) = (new TestMember(_time), new TestMember(_time));
        ahead.Apply(new LeaseGrantRequest(7, 10));
        _time.Advance(4);

        behind.RestoreFrom(ahead);

        // It has not seen the renewal, so it waits for the whole time, and no longer.
        Assert.Equal(TimeSpan.FromSeconds(10), behind.Deadlines.Remaining(7));
        _time.Advance(9.9);
        Assert.Empty(Expired(behind));
        _time.Advance(0.2);
        Assert.Equal(7, Assert.Single(Expired(behind)).Id);
    }

    [Fact]
    public void A_lease_of_a_snapshot_has_the_age_that_the_lease_clock_has_measured()
    {
        var ahead = new TestMember(_time);
        ahead.Apply(new LeaseGrantRequest(7, 10));
        ahead.Apply(new LeaseClockAdvanceRequest(LogIndex.Zero, 500, 0));
        ahead.Apply(new LeaseClockAdvanceRequest(new LogIndex(2), 6_000, 6_000));
        var behind = new TestMember(_time);

        behind.RestoreFrom(ahead);

        Assert.Equal(TimeSpan.FromSeconds(4), behind.Deadlines.Remaining(7));
    }

    [Fact]
    public void Deadlines_of_a_running_member_follow_the_snapshot()
    {
        var (ahead, behind) = (new TestMember(_time), new TestMember(_time));
        foreach (var member in new[] { ahead, behind })
        {
            member.Apply(new LeaseGrantRequest(1, 10)); // Ends before the snapshot.
            member.Apply(new LeaseGrantRequest(2, 10)); // Is renewed before the snapshot.
            member.Apply(new LeaseGrantRequest(3, 10)); // Stays as it is.
        }

        _time.Advance(4);
        ahead.Apply(new LeaseRevokeRequest(1));
        ahead.Apply(new LeaseRenewManyRequest([2]));
        ahead.Apply(new LeaseGrantRequest(4, 20));

        behind.RestoreFrom(ahead);

        Assert.Null(behind.Deadlines.Remaining(1));
        Assert.Equal(
            [10, 6, 20], new long[] { 2, 3, 4 }.Select(id => (int)behind.Deadlines.Remaining(id)!.Value.TotalSeconds));
        _time.Advance(100);
        Assert.Equal([2, 3, 4], Expired(behind).Select(static l => l.Id).Order());
    }

    private static List<Lease> Expired(TestMember member) =>
        member.Deadlines.GetDue(new Term(1), leadingSince: member.Deadlines.Now, maxCount: 100).Expired;

    private static string GoldenFile(string name, [System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", name);

    private static void Publish(TestMember member, ulong id, string name, params string[] urls) =>
        member.Apply(MemberRegistry.EncodePublishCommand(id, name, urls));

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(double seconds) => _now += TimeSpan.FromSeconds(seconds).Ticks;
    }
}
