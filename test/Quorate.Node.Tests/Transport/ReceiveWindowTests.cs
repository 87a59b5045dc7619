using Quorate.Node.Transport;

namespace Quorate.Node.Tests.Transport;

/// <summary>The bytes of a peer that wait for the driver are bounded, and count only until the driver has processed them.</summary>
public sealed class ReceiveWindowTests
{
    private const int BytesMax = 1000;

    private readonly ReceiveWindow _window = new(BytesMax);

    /// <summary>Bytes that are not given back fill the window for good: the peer is not read any further, and nothing reports it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(1000)]
    public void After_many_times_the_limit_as_many_bytes_fit_as_at_the_start(int frame)
    {
        for (var i = 0; i < 6; i++)
        {
            var frames = 0;
            for (; !_window.IsFull; frames++)
                _window.Acquire(frame);
            Assert.Equal((BytesMax + frame - 1) / frame, frames);
            for (; frames > 0; frames--)
                _window.Release(frame);
            Assert.Equal(0, _window.UsedBytes);
        }
    }

    [Fact]
    public void A_full_window_does_not_block_a_reader_that_is_cancelled()
    {
        _window.Acquire(BytesMax);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => _window.WaitForSpace(cancelled.Token));
    }

    [Fact]
    public async Task A_reader_that_waits_for_space_resumes_once_half_of_it_is_free()
    {
        for (var i = 0; i < 10; i++)
            _window.Acquire(100);
        var reader = Task.Run(() => _window.WaitForSpace(CancellationToken.None));
        for (var i = 0; i < 6; i++)
            _window.Release(100);
        await reader.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
