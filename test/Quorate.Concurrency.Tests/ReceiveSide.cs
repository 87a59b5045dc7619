using Quorate.Node.Groups;
using Quorate.Node.Transport;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="Inbox"/> and <see cref="InboxAllowance"/>: readers put in as long as there is room, the loop takes out.</summary>
public sealed class ReceiveSide
{
    private const int FrameBytes = 60;
    private const int BytesMax = 100;

    [Fact]
    public void The_loop_gets_everything_and_no_peer_takes_more_than_its_room() => Schedules.Explore(300, () =>
    {
        var wake = new WakeSignal();
        var inbox = new Inbox();
        var allowances = new[] { new InboxAllowance(BytesMax), new InboxAllowance(BytesMax) };

        Given.Together(() => Read(0), () => Read(1), Loop);

        Assert.Equal(0, allowances[0].Held + allowances[1].Held);

        // The kind carries the reader's number, the length the frame's. Three frames come together, and the loop is told as a connection tells it.
        void Read(int reader)
        {
            for (var i = 0; i < 3; i++)
            {
                allowances[reader].WaitForRoom(CancellationToken.None);
                allowances[reader].Take(FrameBytes);
                Assert.True(allowances[reader].Held < BytesMax + FrameBytes);
                inbox.Add(new Arrival(null!, null, (WireKind)reader, [], i, Pooled: false));
                if (i == 2 || allowances[reader].IsUsedUp)
                    wake.Set();
            }
        }

        void Loop()
        {
            int[] taken = [0, 0];
            while (taken[0] + taken[1] < 6)
            {
                wake.Wait();
                while (inbox.TryTake(out var arrival))
                {
                    var reader = (int)arrival.Kind;
                    Assert.Equal(taken[reader]++, arrival.BodyBytes);
                    allowances[reader].Give(FrameBytes);
                }
            }
        }
    });

    [Fact]
    public void A_reader_without_room_ends_when_its_connection_does() => Schedules.Explore(300, () =>
    {
        var allowance = new InboxAllowance(BytesMax);
        using var ending = new CancellationTokenSource();
        allowance.Take(BytesMax);

        Given.Together(
            () => Assert.Throws<OperationCanceledException>(() => allowance.WaitForRoom(ending.Token)),
            ending.Cancel);
    });
}
