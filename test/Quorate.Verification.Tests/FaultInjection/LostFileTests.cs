using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>
/// A member whose data directory lost a file, or has a file of another member, refuses to start, and the simulator requires it.
/// </summary>
public sealed class LostFileTests
{
    [Fact]
    public void A_member_without_its_newest_segment_refuses_to_start()
    {
        var member = Killed(out var cluster, out _);
        cluster.FaultAtlas.MarkCorrupted(member.Id, DiskCorruptionKind.Deleted);
        member.Disk.Remove(member.Disk.RecordedSegment()!);
        member.ExpectRefusal(CoverageMark.DeletedSegmentRefused);

        member.Start();

        AssertRefused(cluster, member, CoverageMark.DeletedSegmentRefused);
    }

    [Theory]
    [InlineData(IdentityFile.Name)]
    [InlineData(HardStateFile.Name)]
    [InlineData("wal-0000000000000001.log")]
    public void A_member_with_a_file_of_another_member_refuses_to_start(string file)
    {
        var member = Killed(out var cluster, out var other);
        cluster.FaultAtlas.MarkCorrupted(member.Id, DiskCorruptionKind.Foreign);
        member.Disk.CopyFrom(other.Disk, file);
        member.ExpectRefusal(CoverageMark.ForeignFileRefused);

        member.Start();

        AssertRefused(cluster, member, CoverageMark.ForeignFileRefused);
    }

    [Fact]
    public void A_member_that_starts_without_a_file_that_it_lost_violates_a_property()
    {
        var member = Killed(out _, out _);
        member.ExpectRefusal(CoverageMark.DeletedSegmentRefused);

        Assert.Contains("LostFileIsMissed", Assert.Throws<ViolationException>(member.Start).Message, StringComparison.Ordinal);
    }

    private static SimulatedMachine Killed(out SimulatedCluster cluster, out SimulatedMachine other)
    {
        cluster = FaultFreeCluster.Create(members: 3);
        cluster.RunFaultPhase();
        (var member, other) = (cluster.Members[0], cluster.Members[1]);
        member.Kill("by a test");
        other.Kill("by a test");
        return member;
    }

    private static void AssertRefused(SimulatedCluster cluster, SimulatedMachine member, CoverageMark mark)
    {
        Assert.Null(member.Process);
        Assert.True(member.StaysDown);
        Assert.Equal(1, cluster.Counters.Counts[RunCounters.NameOf(mark)]);
        Assert.Equal(1, cluster.Counters.Counts[RunCounters.NameOf(CoverageMark.StartRefusedOnCorruption)]);
    }
}
