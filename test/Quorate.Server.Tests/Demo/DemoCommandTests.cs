using Quorate.Cli.Demo;
using Quorate.Cli;

namespace Quorate.Server.Tests.Demo;

/// <summary><c>quorate demo</c> with scripted input: lines in, plain lines out.</summary>
public sealed class DemoCommandTests
{
    [Fact]
    public async Task A_put_survives_the_kill_of_the_leader()
    {
        var commands = new ScriptedInput();
        var output = new DemoOutput();
        var running = DemoCommand.RunAsync(commands, new DemoConsole(output, isTerminal: false), CancellationToken.None);

        commands.Enter("put hello big world");
        await Eventually.IsTrueAsync(() => output.ToString().Contains("OK revision 2"), "the put is acknowledged");
        var leader = output.ToString().Split('\n').First(line => line.Contains(" is the leader, ")).Split(' ')[0];
        commands.Enter($"kill {leader}");
        await Eventually.IsTrueAsync(() => output.ToString().Split(" is the leader, ").Length == 3, "another leads");
        commands.Enter("get hello");
        await Eventually.IsTrueAsync(() => output.ToString().Contains("\nbig world"), "the value is printed");
        commands.Enter($"restart {leader}");
        commands.Enter("status");
        commands.Enter("kill n9");
        commands.Enter("nonsense");
        commands.Enter("quit");

        Assert.Equal(ExitCode.Ok, await running.WaitAsync(TimeSpan.FromSeconds(60)));
        var directory = output.ToString().Split("data in ")[1].Split(' ')[0];
        Assert.Contains($"{leader} restarted", output.ToString());
        Assert.Contains("n9 is not running", output.ToString());
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task The_demo_ends_at_the_end_of_the_input()
    {
        var output = new StringWriter();

        Assert.Equal(ExitCode.Ok,
            await DemoCommand.RunAsync(TextReader.Null, new DemoConsole(output, isTerminal: false), CancellationToken.None));
    }

    /// <summary>A writer that the demo writes to while the test reads it.</summary>
    private sealed class DemoOutput : StringWriter
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

    private sealed class ScriptedInput : TextReader
    {
        private readonly System.Collections.Concurrent.BlockingCollection<string> _lines = [];

        public void Enter(string line) => _lines.Add(line);

        public override string ReadLine() => _lines.Take();
    }
}
