using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Network;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>
/// Two overlapping faults of one kind on the same target: the target recovers when both have ended, in whichever order they began.
/// </summary>
public sealed class OverlappingFaultTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    private readonly SimulatedCluster _cluster = FaultFreeCluster.Create(members: 2);

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    public void A_link_cut_twice_stays_cut_until_the_later_end(int first, int second)
    {
        _cluster.RunFaultPhase();
        var now = _cluster.Time.Now;

        _cluster.Network.Cut(One, Two, now + (first * VirtualTime.Second));
        _cluster.Network.Cut(One, Two, now + (second * VirtualTime.Second));

        _cluster.Time.Run(now + (2 * VirtualTime.Second));
        Assert.False(_cluster.Network.NotifyDisconnect(One, Two));
        Assert.True(_cluster.Network.NotifyDisconnect(Two, One));
        _cluster.Time.Run(now + (3 * VirtualTime.Second));
        Assert.True(_cluster.Network.NotifyDisconnect(One, Two));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    public void A_link_clogged_twice_stays_clogged_until_the_later_end(int first, int second)
    {
        var (network, time) = (_cluster.Network, _cluster.Time);
        var arrived = 0L;
        var machine = _cluster.Machine(Two);
        var handshakes = new SimulatedHandshakes(_cluster, machine, machine.OpenIdentity(machine.Disk, static () => 7));
        network.Bind(Two, new SimulatedEndpoint(network, Two, handshakes, static () => { }, () => arrived = time.Now, null));

        network.Clog(One, Two, first * VirtualTime.Second);
        network.Clog(One, Two, second * VirtualTime.Second);
        network.Send(One, Two, new SimulatedPacket(new byte[32], 0, 0, handshakes.DirectoryId));

        time.Run(10 * VirtualTime.Second);
        Assert.Equal(3 * VirtualTime.Second, arrived);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    public void A_process_paused_twice_stays_paused_until_the_later_end(int first, int second)
    {
        var member = _cluster.Members[0];

        member.Pause(first * VirtualTime.Second);
        member.Pause(second * VirtualTime.Second);

        Assert.Equal(3 * VirtualTime.Second, member.PausedUntil);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    public void A_disk_filled_twice_stays_full_until_the_later_end(int first, int second)
    {
        var time = new VirtualTime();
        var disk = new SimulatedDisk(time, new RunCounters());

        disk.FillUntil(first * VirtualTime.Second);
        disk.FillUntil(second * VirtualTime.Second);

        time.Run(2 * VirtualTime.Second);
        Assert.Throws<IOException>(() => disk.Create("a", 1));
        time.Run(3 * VirtualTime.Second);
        disk.Create("a", 1).Dispose();
    }
}
