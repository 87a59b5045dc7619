namespace Quorate.Load;

/// <summary>The load of one measurement: a number of writers, each with one command in flight at a time.</summary>
internal sealed record LoadOptions(int Writers, int CommandBytes, TimeSpan Warmup, TimeSpan Duration, int Seed)
{
    /// <summary>Creates a command of random bytes, which no component can compress.</summary>
    public byte[] CreateCommand(int writer)
    {
        var command = new byte[CommandBytes];
        new Random(Seed + writer).NextBytes(command);
        return command;
    }
}
