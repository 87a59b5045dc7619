using System.Reflection;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>Whatever made a run fail is in the command that a failure prints: who types it in breaks the same promise.</summary>
public sealed class ReproCommandTests
{
    private const string FullRun = "--seed 7";
    private const string ReducedRun = "--seed 7 --members 3 --life 2000000 --calm loss,drift --strikes kill.1 --turns 0.0@100,1.2@200";

    /// <summary>A promise that only a run of this kind looks at stands for those that are really looked at only there.</summary>
    [Theory]
    [InlineData(FullRun)]
    [InlineData(FullRun + " --refine")]
    [InlineData(FullRun + " --twice")]
    [InlineData(FullRun + " --refine --twice")]
    [InlineData(ReducedRun)]
    [InlineData(ReducedRun + " --refine")]
    public void The_printed_command_reproduces_the_violation(string arguments)
    {
        var first = RunToFailure(Parse(arguments));

        var printed = Assert.Single(first.Message.Split('\n'), static line => line.StartsWith("again: ", StringComparison.Ordinal))["again: ".Length..];
        Assert.Equal($"{SimulatorCommand.Program} {arguments} --trace", printed);

        var again = RunToFailure(Parse(printed[SimulatorCommand.Program.Length..]));
        Assert.Equal((first.Property, first.Violation, first.At), (again.Property, again.Violation, again.At));
    }

    [Fact]
    public void A_failure_message_names_the_built_commit()
    {
        var version = typeof(KvSimulation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        Assert.Matches(@"^\d+\.\d+\.\d+\+[0-9a-f]{40}(-and-changes)?$", version);

        Assert.StartsWith($"seed 7 at commit {version[(version.IndexOf('+', StringComparison.Ordinal) + 1)..]}, after ", RunToFailure(Parse(FullRun)).Message, StringComparison.Ordinal);
    }

    private static SimulatorCommand Parse(string arguments)
    {
        var words = new Queue<string>(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(static word => word != "--trace"));
        var command = new SimulatorCommand();
        while (words.Count > 0)
            Assert.True(SimulatorCommand.TryParseNext(command, words, out command), $"nobody takes an argument of {arguments}");
        return command;
    }

    /// <summary>Runs it with one promise more, another one for each kind of run; what is run twice is held against the run of another seed.</summary>
    private static SimulationFailedException RunToFailure(SimulatorCommand command)
    {
        var seed = command.Seed!.Value;
        var promise = $"Promise of {command.Refine} and {command.Reduction}";
        var lines = 0;
        var options = command.Options with { OnEvent = _ => Require(++lines < 10, promise) };
        if (command.CheckDeterminism)
        {
            var record = new DeterminismRecord();
            KvSimulation.Run(seed + 1, command.Options with { DeterminismRecord = record });
            record.StartSecondRun();
            options = command.Options with { DeterminismRecord = record };
        }

        return Assert.Throws<SimulationFailedException>(() => KvSimulation.Run(seed, options));
    }

    private static void Require(bool kept, string promise)
    {
        if (!kept)
            throw new ViolationException(promise, "broken by hand");
    }
}
