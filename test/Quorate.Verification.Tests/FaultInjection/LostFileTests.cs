using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>
/// A member whose data directory lost a file, or has a file of another member, starts again, and the simulator requires it; a member that
/// lost its log receives it again before it votes.
/// </summary>
public sealed class LostFileTests
{
    [Theory]
    [InlineData(IdentityFile.Name, false)]
    [InlineData(IdentityFile.CopyName, false)]
    [InlineData(HardStateFile.Name, false)]
    [InlineData(HardStateFile.CopyName, false)]
    [InlineData("wal-0000000000000001.log", true)]
    public void A_member_without_one_file_starts_and_repairs_what_it_lost(string file, bool isLog)
    {
        var member = Killed(out var cluster, out _);
        member.Disk.Remove(file);

        AssertStarts(cluster, member, isLog);
    }

    [Theory]
    [InlineData(IdentityFile.Name, false)]
    [InlineData(HardStateFile.Name, false)]
    [InlineData("wal-0000000000000001.log", true)]
    public void A_member_with_a_file_of_another_member_starts_without_that_file(string file, bool isLog)
    {
        var member = Killed(out var cluster, out var other);
        member.Disk.CopyFrom(other.Disk, file);

        AssertStarts(cluster, member, isLog);
    }

    [Fact]
    public void A_member_that_does_not_start_without_a_single_file_violates_a_property()
    {
        var member = Killed(out _, out _);
        member.Disk.Remove(HardStateFile.Name);
        member.Disk.Remove(HardStateFile.CopyName);
        member.ExpectRepair();

        Assert.Contains("LostFileIsReplaced", Assert.Throws<ViolationException>(member.Start).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_member_without_term_and_vote_refuses_to_start()
    {
        var member = Killed(out var cluster, out _);
        member.Disk.Remove(HardStateFile.Name);
        member.Disk.Remove(HardStateFile.CopyName);

        member.Start();

        Assert.True(member.StaysDown);
        Assert.Equal(1, cluster.Counters.Counts[RunCounters.NameOf(CoverageMark.StartRefusedOnCorruption)]);
    }

    private static SimulatedMachine Killed(out SimulatedCluster cluster, out SimulatedMachine other)
    {
        cluster = FaultFreeCluster.Create(members: 3);
        cluster.RunFaultPhase();
        (var member, other) = (cluster.Members[0], cluster.Members[1]);
        member.Kill("by a test");
        other.Kill("by a test");
        cluster.FaultAtlas.MarkCorrupted(member.Id, DiskCorruptionKind.LostFile);
        return member;
    }

    private static void AssertStarts(SimulatedCluster cluster, SimulatedMachine member, bool isRepairing)
    {
        member.ExpectRepair();

        member.Start();

        Assert.Equal(isRepairing, member.Process!.Core.IsRepairing);
        Assert.Equal(1, cluster.Counters.Counts[RunCounters.NameOf(CoverageMark.LostFileReplaced)]);
        cluster.Members[1].Start();
        Assert.True(cluster.Time.Run(
            cluster.Time.Now + (20 * VirtualTime.Second), () => member.Process is { Core: { Leader.Value: > 0, IsRepairing: false } }));
        Assert.Equal(isRepairing ? 1 : 0, cluster.Counters.Counts.GetValueOrDefault(RunCounters.NameOf(CoverageMark.Repaired)));
    }
}
