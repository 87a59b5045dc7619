using Quorate.Node.Threading;
using Quorate.Node.Transport;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="ReceiveQueue"/> and <see cref="ReceiveWindow"/>: readers enqueue frames while there is space, the driver dequeues them.
/// </summary>
public sealed class ReceiveQueueTests
{
    private const int FrameBytes = 60;
    private const int BytesMax = 100;

    [Fact]
    public void Every_frame_reaches_the_loop_within_the_receive_window() => CoyoteTestRunner.Explore(300, () =>
    {
        var wake = new WakeSignal();
        var queue = new ReceiveQueue();
        var windows = new[] { new ReceiveWindow(BytesMax), new ReceiveWindow(BytesMax) };

        Given.RunConcurrently(() => Read(0), () => Read(1), Loop);

        Assert.Equal(0, windows[0].UsedBytes + windows[1].UsedBytes);

        // The kind carries the reader's number, the length the frame's. Three frames arrive together, and the driver is signalled as a
        // connection signals it.
        void Read(int reader)
        {
            for (var i = 0; i < 3; i++)
            {
                windows[reader].WaitForSpace(CancellationToken.None);
                windows[reader].Acquire(FrameBytes);
                Assert.True(windows[reader].UsedBytes < BytesMax + FrameBytes);
                queue.Add(new ReceivedFrame(null!, null, (WireFrameKind)reader, [], i, Pooled: false));
                if (i == 2 || windows[reader].IsFull)
                    wake.Set();
            }
        }

        void Loop()
        {
            int[] taken = [0, 0];
            while (taken[0] + taken[1] < 6)
            {
                wake.Wait();
                while (queue.TryTake(out var frame))
                {
                    var reader = (int)frame.Kind;
                    Assert.Equal(taken[reader]++, frame.BodyBytes);
                    windows[reader].Release(FrameBytes);
                }
            }
        }
    });

    [Fact]
    public void A_reader_waiting_for_space_ends_with_its_connection() => CoyoteTestRunner.Explore(300, () =>
    {
        var window = new ReceiveWindow(BytesMax);
        using var ending = new CancellationTokenSource();
        window.Acquire(BytesMax);

        Given.RunConcurrently(
            () => Assert.Throws<OperationCanceledException>(() => window.WaitForSpace(ending.Token)),
            ending.Cancel);
    });
}
