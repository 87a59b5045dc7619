using Quorate.Server.Demo;

namespace Quorate.Server.Tests.Demo;

/// <summary>quorate demo, driven as a script drives it: lines in, plain lines out.</summary>
public sealed class DemoIsDriven
{
    [Fact]
    public async Task What_was_put_survives_the_leader_and_its_successor_is_named()
    {
        var commands = new Commands();
        var output = new Output();
        var running = DemoVerb.RunAsync(commands, new DemoScreen(output, isTerminal: false), CancellationToken.None);

        commands.Say("put hello big world");
        await Eventually.HoldsAsync(() => output.ToString().Contains("OK revision 2"), "the put is acknowledged");
        var leader = output.ToString().Split('\n').First(line => line.Contains(" leads, ")).Split(' ')[0];
        commands.Say($"kill {leader}");
        await Eventually.HoldsAsync(() => output.ToString().Split(" leads, ").Length == 3, "another leads");
        commands.Say("get hello");
        await Eventually.HoldsAsync(() => output.ToString().Contains("\nbig world"), "the value is there");
        commands.Say($"restart {leader}");
        commands.Say("status");
        commands.Say("kill nobody");
        commands.Say("nonsense");
        commands.Say("quit");

        Assert.Equal(ExitCode.Ok, await running.WaitAsync(TimeSpan.FromSeconds(60)));
        var folder = output.ToString().Split("data in ")[1].Split(' ')[0];
        Assert.Contains($"{leader} restarted", output.ToString());
        Assert.Contains("nobody does not run", output.ToString());
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task The_end_of_the_input_ends_it()
    {
        var output = new StringWriter();

        Assert.Equal(ExitCode.Ok, await DemoVerb.RunAsync(TextReader.Null, new DemoScreen(output, isTerminal: false), CancellationToken.None));
    }

    /// <summary>Written by the demo while the test reads it.</summary>
    private sealed class Output : StringWriter
    {
        public override void WriteLine(string? value)
        {
            lock (GetStringBuilder())
                base.WriteLine(value);
        }

        public override string ToString()
        {
            lock (GetStringBuilder())
                return base.ToString();
        }
    }

    private sealed class Commands : TextReader
    {
        private readonly System.Collections.Concurrent.BlockingCollection<string> _lines = [];

        public void Say(string line) => _lines.Add(line);

        public override string ReadLine() => _lines.Take();
    }
}
