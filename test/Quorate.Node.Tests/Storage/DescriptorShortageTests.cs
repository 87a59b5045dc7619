using Quorate.Node.Storage;

namespace Quorate.Node.Tests.Storage;

/// <summary>The creation of a file waits for a free file descriptor instead of ending the node.</summary>
public sealed class DescriptorShortageTests
{
    // errno of Linux and macOS.
    private const int ProcessLimit = 24;
    private const int SystemLimit = 23;
    private const int NoSpace = 28;

    [Theory]
    [InlineData(ProcessLimit)]
    [InlineData(SystemLimit)]
    public void A_shortage_is_waited_out(int errno)
    {
        var attempts = 0;

        Assert.Equal("opened", DescriptorShortage.WaitOut(
            () => ++attempts <= 3 ? throw new IOException("no descriptor", errno) : "opened", DescriptorShortage.WaitMax));
        Assert.Equal(4, attempts);
    }

    [Fact]
    public void Another_error_is_not()
    {
        var attempts = 0;

        Assert.Equal(NoSpace, Assert.Throws<IOException>(() => DescriptorShortage.WaitOut<string>(
            () => throw new IOException($"attempt {++attempts}", NoSpace), DescriptorShortage.WaitMax)).HResult);
        Assert.Equal(1, attempts);
    }

    [Fact]
    public void The_wait_ends() => Assert.Equal(ProcessLimit, Assert.Throws<IOException>(() => DescriptorShortage.WaitOut<string>(
        () => throw new IOException("no descriptor", ProcessLimit), TimeSpan.FromMilliseconds(50))).HResult);

    [Fact]
    public void A_shortage_names_what_to_raise() => Assert.Contains(
        "LimitNOFILE",
        FileStorage.Explain("create", "wal-2", new IOException("Too many open files", ProcessLimit)).Message,
        StringComparison.Ordinal);
}
