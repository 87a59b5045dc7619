using Quorate.Node.Groups;
using Quorate.Node.Transport;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="Inbox"/>, <see cref="InboxAllowance"/> and <see cref="AsyncSignal"/>: readers put in as long as there is room, the loop takes out.</summary>
public sealed class ReceiveSide
{
    private const int FrameBytes = 60;
    private const int BytesMax = 100;

    [Fact]
    public void The_loop_gets_everything_and_no_peer_takes_more_than_its_room() => Schedules.Explore(300, async () =>
    {
        var wake = new WakeSignal();
        var inbox = new Inbox(wake.Set);
        var allowances = new[] { new InboxAllowance(BytesMax), new InboxAllowance(BytesMax) };
        var readers = new[] { Task.Run(() => ReadAsync(0)), Task.Run(() => ReadAsync(1)) };

        // The kind carries the reader's number, the length the frame's.
        int[] taken = [0, 0];
        while (taken[0] + taken[1] < 6)
        {
            while (inbox.TryTake(out var arrival))
            {
                var reader = (int)arrival.Kind;
                Assert.Equal(taken[reader]++, arrival.BodyBytes);
                allowances[reader].Give(FrameBytes);
            }

            if (taken[0] + taken[1] < 6)
                wake.Wait();
        }

        await Task.WhenAll(readers);
        Assert.Equal(0, allowances[0].Held + allowances[1].Held);

        async Task ReadAsync(int reader)
        {
            for (var i = 0; i < 3; i++)
            {
                await allowances[reader].WaitForRoomAsync(CancellationToken.None);
                allowances[reader].Take(FrameBytes);
                Assert.True(allowances[reader].Held < BytesMax + FrameBytes);
                inbox.Add(new Arrival(null!, null, (WireKind)reader, [], i, Pooled: false));
            }
        }
    });

    [Fact]
    public void A_reader_without_room_ends_when_its_connection_does() => Schedules.Explore(300, async () =>
    {
        var allowance = new InboxAllowance(BytesMax);
        using var ending = new CancellationTokenSource();
        allowance.Take(BytesMax);
        var reader = Task.Run(async () =>
        {
            try
            {
                await allowance.WaitForRoomAsync(ending.Token);
                return false;
            }
            catch (OperationCanceledException)
            {
                return true;
            }
        });

        ending.Cancel();

        Assert.True(await reader);
    });
}
