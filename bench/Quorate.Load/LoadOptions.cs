namespace Quorate.Load;

/// <summary>What one measurement does: so many writers, each with one command under way at a time.</summary>
internal sealed record LoadOptions(int Writers, int CommandBytes, TimeSpan Warmup, TimeSpan Duration, int Seed)
{
    /// <summary>A command of random bytes, so that nothing on the way can gain by compressing it.</summary>
    public byte[] CreateCommand(int writer)
    {
        var command = new byte[CommandBytes];
        new Random(Seed + writer).NextBytes(command);
        return command;
    }
}
