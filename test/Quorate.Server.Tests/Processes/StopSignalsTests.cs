using System.Runtime.InteropServices;
using Quorate.Cli;

namespace Quorate.Server.Tests.Processes;

/// <summary>What a command does with the signals that stop it.</summary>
public sealed class StopSignalsTests
{
    [Fact]
    public async Task The_first_signal_stops_the_command_and_the_second_ends_the_process()
    {
        using var signals = new StopSignals();

        Assert.False(signals.Token.IsCancellationRequested);
        Assert.True(signals.OnSignal(PosixSignal.SIGTERM));
        Assert.True(signals.Token.IsCancellationRequested);
        Assert.Equal(PosixSignal.SIGTERM, await signals.Received);
        Assert.False(signals.OnSignal(PosixSignal.SIGINT));
    }

    /// <summary>The runtime calls handlers on the thread pool, where they may wait until the command has ended.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_signal_that_is_handled_after_the_end_of_the_command_throws_nothing(int before)
    {
        var signals = new StopSignals();
        for (var i = 0; i < before; i++)
            signals.OnSignal(PosixSignal.SIGTERM);
        signals.Dispose();

        Assert.Equal(before == 0, signals.OnSignal(PosixSignal.SIGTERM));
    }
}
